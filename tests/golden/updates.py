"""The update rules as Keras 3 writes them, and where PyTorch defines the same rule, a check against it."""

import math

import torch


class Rule:
    """What all optimizers share: gradients are averaged and clipped, weights decay, and averages follow."""

    def __init__(
        self,
        learningRate=0.001,
        weightDecay=0.0,
        clipNorm=None,
        clipValue=None,
        globalClipNorm=None,
        gradientAccumulationSteps=1,
        useEma=False,
        emaMomentum=0.99,
        emaOverwriteFrequency=None,
        lookahead=None,
    ):
        self.rate, self.decay = learningRate, weightDecay
        self.clip_norm, self.clip_value, self.global_norm = clipNorm, clipValue, globalClipNorm
        self.accumulation, self.gathered = gradientAccumulationSteps, []
        self.use_ema, self.ema_momentum, self.ema_frequency = useEma, emaMomentum, emaOverwriteFrequency
        self.lookahead = None if lookahead is None else {'steps': 5, 'alpha': 0.5, **lookahead}
        self.steps, self.state, self.slow, self.averages = 0, None, None, None

    def slots(self, w):
        """State of one weight, before the first step."""
        return {}

    def step(self, weights, gradients):
        self.gathered.append(gradients)
        if len(self.gathered) < self.accumulation:
            return
        gradients = self.clip([sum(each) / self.accumulation for each in zip(*self.gathered)])
        self.gathered = []
        self.steps += 1
        if self.steps == 1:
            self.state = [self.slots(w) for w in weights]
            self.slow = [w.clone() for w in weights]
            self.averages = [torch.zeros_like(w) for w in weights]
        for w, g, state in zip(weights, gradients, self.state):
            w -= w * self.decay_of(w) * self.rate
            self.update(w, g, **state)
        self.follow(weights)

    def decay_of(self, w):
        return self.decay

    def clip(self, gradients):
        if self.clip_value:
            return [g.clamp(-self.clip_value, self.clip_value) for g in gradients]
        if self.clip_norm:
            return [g * self.clip_norm / max(g.norm().item(), self.clip_norm) for g in gradients]
        if self.global_norm:
            norm = math.sqrt(sum((g * g).sum().item() for g in gradients))
            return [g * self.global_norm / max(norm, self.global_norm) for g in gradients]
        return gradients

    def follow(self, weights):
        for w, slow, average in zip(weights, self.slow, self.averages):
            if self.lookahead and self.steps % self.lookahead['steps'] == 0:
                slow += self.lookahead['alpha'] * (w - slow)
                w.copy_(slow)
            if self.use_ema:
                momentum = self.ema_momentum if self.steps > 1 else 0
                average.copy_(momentum * average + (1 - momentum) * w)
                if self.ema_frequency and self.steps % self.ema_frequency == 0:
                    w.copy_(average)


class Sgd(Rule):
    def __init__(self, learningRate=0.01, momentum=0.0, nesterov=False, **common):
        super().__init__(learningRate, **common)
        self.momentum, self.nesterov = momentum, nesterov

    def slots(self, w):
        return {'velocity': torch.zeros_like(w)}

    def update(self, w, g, velocity):
        velocity.mul_(self.momentum).sub_(self.rate * g)
        w += self.momentum * velocity - self.rate * g if self.nesterov else velocity


class Adam(Rule):
    def __init__(self, learningRate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-7, amsgrad=False, **common):
        super().__init__(learningRate, **common)
        self.beta1, self.beta2, self.epsilon, self.amsgrad = beta1, beta2, epsilon, amsgrad

    def slots(self, w):
        return {'m': torch.zeros_like(w), 'v': torch.zeros_like(w), 'most': torch.zeros_like(w)}

    def update(self, w, g, m, v, most):
        alpha = self.rate * math.sqrt(1 - self.beta2**self.steps) / (1 - self.beta1**self.steps)
        m += (g - m) * (1 - self.beta1)
        v += (g * g - v) * (1 - self.beta2)
        most.copy_(torch.maximum(most, v) if self.amsgrad else v)
        w -= alpha * m / (most.sqrt() + self.epsilon)


class AdamW(Adam):
    def __init__(self, weightDecay=0.004, **options):
        super().__init__(weightDecay=weightDecay, **options)


class Adamax(Adam):
    def update(self, w, g, m, v, most):
        m += (g - m) * (1 - self.beta1)
        v.copy_(torch.maximum(self.beta2 * v, g.abs()))
        w -= self.rate * m / ((1 - self.beta1**self.steps) * (v + self.epsilon))


class Nadam(Adam):
    def momentum(self, t):
        return self.beta1 * (1 - 0.5 * 0.96**t)

    def update(self, w, g, m, v, most):
        now, following = self.momentum(self.steps), self.momentum(self.steps + 1)
        product = math.prod(self.momentum(t) for t in range(1, self.steps + 1))
        m += (g - m) * (1 - self.beta1)
        v += (g * g - v) * (1 - self.beta2)
        ahead = following * m / (1 - product * following) + (1 - now) * g / (1 - product)
        w -= self.rate * ahead / ((v / (1 - self.beta2**self.steps)).sqrt() + self.epsilon)


class Adagrad(Rule):
    def __init__(self, learningRate=0.001, initialAccumulatorValue=0.1, epsilon=1e-7, **common):
        super().__init__(learningRate, **common)
        self.initial, self.epsilon = initialAccumulatorValue, epsilon

    def slots(self, w):
        return {'total': torch.full_like(w, self.initial)}

    def update(self, w, g, total):
        total += g * g
        w -= self.rate * g / (total + self.epsilon).sqrt()


class RMSprop(Rule):
    def __init__(self, learningRate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, **common):
        super().__init__(learningRate, **common)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def slots(self, w):
        return {'square': torch.zeros_like(w), 'mean': torch.zeros_like(w), 'velocity': torch.zeros_like(w)}

    def update(self, w, g, square, mean, velocity):
        square.mul_(self.rho).add_((1 - self.rho) * g * g)
        mean.mul_(self.rho).add_((1 - self.rho) * g)
        variance = square - mean * mean if self.centered else square
        velocity.mul_(self.momentum).add_(self.rate * g / (variance + self.epsilon).sqrt())
        w -= velocity


class Adadelta(Rule):
    def __init__(self, learningRate=0.001, rho=0.95, epsilon=1e-7, **common):
        super().__init__(learningRate, **common)
        self.rho, self.epsilon = rho, epsilon

    def slots(self, w):
        return {'square': torch.zeros_like(w), 'moved': torch.zeros_like(w)}

    def update(self, w, g, square, moved):
        square.mul_(self.rho).add_((1 - self.rho) * g * g)
        delta = (moved + self.epsilon).sqrt() * g / (square + self.epsilon).sqrt()
        moved.mul_(self.rho).add_((1 - self.rho) * delta * delta)
        w -= self.rate * delta


class Lion(Rule):
    def __init__(self, learningRate=0.001, beta1=0.9, beta2=0.99, **common):
        super().__init__(learningRate, **common)
        self.beta1, self.beta2 = beta1, beta2

    def slots(self, w):
        return {'m': torch.zeros_like(w)}

    def update(self, w, g, m):
        w -= self.rate * torch.sign(self.beta1 * m + (1 - self.beta1) * g)
        m.mul_(self.beta2).add_((1 - self.beta2) * g)


class Adafactor(Rule):
    def __init__(
        self,
        learningRate=0.001,
        beta2Decay=-0.8,
        epsilon1=1e-30,
        epsilon2=1e-3,
        clipThreshold=1.0,
        relativeStep=True,
        **common,
    ):
        super().__init__(learningRate, **common)
        self.beta2_decay, self.epsilon1, self.epsilon2 = beta2Decay, epsilon1, epsilon2
        self.threshold, self.relative = clipThreshold, relativeStep

    def slots(self, w):
        if w.dim() < 2:
            return {'v': torch.zeros_like(w)}
        return {'rows': torch.zeros_like(w[..., 0]), 'columns': torch.zeros_like(w[..., 0, :])}

    def update(self, w, g, v=None, rows=None, columns=None):
        rate = min(self.rate, self.steps**-0.5) if self.relative else self.rate
        rate *= max(self.epsilon2, w.square().mean().sqrt().item())
        keep = 1 - self.steps**self.beta2_decay
        square = g * g + self.epsilon1
        if v is None:
            rows.mul_(keep).add_((1 - keep) * square.mean(-1))
            columns.mul_(keep).add_((1 - keep) * square.mean(-2))
            v = (rows / rows.mean(-1, keepdim=True)).unsqueeze(-1) * columns.unsqueeze(-2)
        else:
            v.mul_(keep).add_((1 - keep) * square)
        step = g / v.sqrt()
        w -= rate * step / max(1, step.square().mean().sqrt().item() / self.threshold)


class Muon(Rule):
    """Keras's Muon, with convolution kernels as matrices too. Every tensor of rank 2 or more is orthogonalised."""

    def __init__(
        self,
        learningRate=0.001,
        weightDecay=0.004,
        adamWeightDecay=0.004,
        momentum=0.95,
        nesterov=True,
        nsSteps=5,
        rmsRate=0.2,
        adamLrRatio=1.0,
        **common,
    ):
        super().__init__(learningRate, weightDecay, **common)
        self.adam_decay, self.momentum, self.nesterov = adamWeightDecay, momentum, nesterov
        self.ns_steps, self.rms_rate = nsSteps, rmsRate
        self.adam = Adam(learningRate * adamLrRatio)

    def slots(self, w):
        return self.adam.slots(w)

    def decay_of(self, w):
        return self.adam_decay if w.dim() < 2 else self.decay

    def update(self, w, g, m, v, most):
        if w.dim() < 2:
            self.adam.steps = self.steps
            self.adam.update(w, g, m, v, most)
            return
        m.mul_(self.momentum).add_(g)
        x = (g + self.momentum * m if self.nesterov else m).reshape(-1, w.shape[-1])
        x = self.orthogonal(x) * (self.rms_rate * math.sqrt(max(x.shape)) if self.rms_rate else 1)
        w -= self.rate * x.reshape(w.shape)

    def orthogonal(self, x):
        a, b, c = 3.4445, -4.7750, 2.0315
        tall = x.shape[0] > x.shape[1]
        x = x.T if tall else x
        x = x / (x.norm() + 1e-7)
        for _ in range(self.ns_steps):
            square = x @ x.T
            x = a * x + (b * square + c * square @ square) @ x
        return x.T if tall else x


RULES = {
    'sgd': Sgd,
    'adam': Adam,
    'adamw': AdamW,
    'adamax': Adamax,
    'nadam': Nadam,
    'adagrad': Adagrad,
    'rmsprop': RMSprop,
    'adadelta': Adadelta,
    'lion': Lion,
    'adafactor': Adafactor,
    'muon': Muon,
}


def check():
    """Keras's formulas are PyTorch's where the definitions agree; epsilon is 0 where they place it apart."""
    pairs = [
        (Sgd(0.05), lambda w: torch.optim.SGD(w, lr=0.05)),
        (Sgd(0.05, 0.9), lambda w: torch.optim.SGD(w, lr=0.05, momentum=0.9)),
        (Sgd(0.05, 0.9, True), lambda w: torch.optim.SGD(w, lr=0.05, momentum=0.9, nesterov=True)),
        (Adam(0.01, epsilon=0), lambda w: torch.optim.Adam(w, lr=0.01, eps=0)),
        (Adam(0.01, epsilon=0, amsgrad=True), amsgrad_of_torch),
        (AdamW(0.1, learningRate=0.01, epsilon=0), lambda w: torch.optim.AdamW(w, lr=0.01, eps=0, weight_decay=0.1)),
        (Adamax(0.01, epsilon=0), lambda w: torch.optim.Adamax(w, lr=0.01, eps=0)),
        (Nadam(0.01), nadam_of_torch),
        (Adagrad(0.1, 0.1, 0), lambda w: torch.optim.Adagrad(w, lr=0.1, initial_accumulator_value=0.1, eps=0)),
        (RMSprop(0.01, epsilon=0), lambda w: torch.optim.RMSprop(w, lr=0.01, alpha=0.9, eps=0)),
        (
            RMSprop(0.01, momentum=0.8, epsilon=0),
            lambda w: torch.optim.RMSprop(w, lr=0.01, alpha=0.9, eps=0, momentum=0.8),
        ),
        (
            RMSprop(0.01, momentum=0.8, epsilon=0, centered=True),
            lambda w: torch.optim.RMSprop(w, lr=0.01, alpha=0.9, eps=0, momentum=0.8, centered=True),
        ),
        (Adadelta(0.5, epsilon=1e-6), lambda w: torch.optim.Adadelta(w, lr=0.5, rho=0.95, eps=1e-6)),
    ]
    for ours, theirs in pairs:
        torch.manual_seed(1)
        mine = [torch.randn(7, dtype=torch.float64)]
        other = [mine[0].clone().requires_grad_()]
        optimizer = theirs(other)
        for step in range(50):
            ours.step(mine, [torch.sin(3 * mine[0] + step) + mine[0]])
            other[0].grad = (torch.sin(3 * other[0] + step) + other[0]).detach()
            optimizer.step()
        worst = (mine[0] - other[0].detach()).abs().max().item()
        allowed = 1e-6 if theirs is nadam_of_torch else 1e-12
        assert worst < allowed, f'{type(ours).__name__} is {worst} away from PyTorch'


def amsgrad_of_torch(w):
    return torch.optim.Adam(w, lr=0.01, eps=0, amsgrad=True)


def nadam_of_torch(w):
    """Without foreach, PyTorch 1.13 multiplies one momentum twice; and it keeps their product in float32."""
    return torch.optim.NAdam(w, lr=0.01, eps=1e-7, momentum_decay=1, foreach=True)
