"""The update rules as Keras 3 writes them, and where PyTorch defines the same rule, a check against it."""

import math

import torch


class Sgd:
    def __init__(self, learningRate=0.01, momentum=0.0, nesterov=False):
        self.rate, self.momentum, self.nesterov = learningRate, momentum, nesterov
        self.velocities = None

    def step(self, weights, gradients):
        self.velocities = self.velocities or [torch.zeros_like(w) for w in weights]
        for w, g, velocity in zip(weights, gradients, self.velocities):
            if self.momentum == 0:
                w -= self.rate * g
                continue
            velocity.mul_(self.momentum).sub_(self.rate * g)
            w += self.momentum * velocity - self.rate * g if self.nesterov else velocity


class Adam:
    def __init__(self, learningRate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-7):
        self.rate, self.beta1, self.beta2, self.epsilon = learningRate, beta1, beta2, epsilon
        self.steps, self.first, self.second = 0, None, None

    def step(self, weights, gradients):
        self.first = self.first or [torch.zeros_like(w) for w in weights]
        self.second = self.second or [torch.zeros_like(w) for w in weights]
        self.steps += 1
        alpha = self.rate * math.sqrt(1 - self.beta2**self.steps) / (1 - self.beta1**self.steps)
        for w, g, m, v in zip(weights, gradients, self.first, self.second):
            m += (g - m) * (1 - self.beta1)
            v += (g * g - v) * (1 - self.beta2)
            w -= alpha * m / (v.sqrt() + self.epsilon)


RULES = {'sgd': Sgd, 'adam': Adam}


def check():
    """Keras's formulas are PyTorch's where the definitions agree (Adam: without epsilon, which they place apart)."""
    pairs = [
        (Sgd(0.05), lambda w: torch.optim.SGD(w, lr=0.05)),
        (Sgd(0.05, 0.9), lambda w: torch.optim.SGD(w, lr=0.05, momentum=0.9)),
        (Sgd(0.05, 0.9, True), lambda w: torch.optim.SGD(w, lr=0.05, momentum=0.9, nesterov=True)),
        (Adam(0.01, epsilon=0), lambda w: torch.optim.Adam(w, lr=0.01, eps=0)),
    ]
    for ours, theirs in pairs:
        torch.manual_seed(1)
        mine = [torch.randn(7, dtype=torch.float64)]
        other = [mine[0].clone().requires_grad_()]
        optimizer = theirs(other)
        for _ in range(40):
            ours.step(mine, [torch.sin(3 * mine[0]) + mine[0]])
            other[0].grad = (torch.sin(3 * other[0]) + other[0]).detach()
            optimizer.step()
        worst = (mine[0] - other[0].detach()).abs().max().item()
        assert worst < 1e-12, f'{type(ours).__name__} is {worst} away from PyTorch'
