"""Learning rates step by step, written to schedules.json.

    /usr/bin/python3 tests/golden/schedules.py

Keras's formulas are written out here from keras/src/optimizers/schedules/learning_rate_schedule.py; each case that
PyTorch's torch.optim.lr_scheduler can also say is checked against it, and oneCycle is PyTorch's alone.
"""

import json
import math
import pathlib

import torch
from torch.optim import lr_scheduler

HERE = pathlib.Path(__file__).parent


def exponential(o, step):
    passed = step / o['decaySteps']
    return o['initialLearningRate'] * o['decayRate'] ** (math.floor(passed) if o.get('staircase') else passed)


def inverse_time(o, step):
    passed = step / o['decaySteps']
    return o['initialLearningRate'] / (1 + o['decayRate'] * (math.floor(passed) if o.get('staircase') else passed))


def piecewise(o, step):
    for boundary, value in zip(o['boundaries'], o['values']):
        if step <= boundary:
            return value
    return o['values'][-1]


def polynomial(o, step):
    steps, end = o['decaySteps'], o.get('endLearningRate', 0.0001)
    if o.get('cycle'):
        steps *= 1 if step == 0 else math.ceil(step / steps)
    else:
        step = min(step, steps)
    return (o['initialLearningRate'] - end) * (1 - step / steps) ** o.get('power', 1) + end


def decayed_cosine(height, alpha, fraction):
    return height * ((1 - alpha) * 0.5 * (1 + math.cos(math.pi * fraction)) + alpha)


def cosine(o, step):
    initial, steps, alpha = o['initialLearningRate'], o['decaySteps'], o.get('alpha', 0)
    target, warmup = o.get('warmupTarget'), o.get('warmupSteps', 0)
    if target is None:
        return decayed_cosine(initial, alpha, min(step, steps) / steps)
    step = min(step, steps + warmup)
    if step < warmup:
        return (target - initial) * (step / warmup) + initial
    return decayed_cosine(target, alpha, (step - warmup) / steps)


def cosine_restarts(o, step):
    # Periods walked one by one: Keras's logarithm may round to the wrong one exactly at a restart.
    left, length, height = step, o['firstDecaySteps'], o['initialLearningRate']
    wave = 1.0
    while left >= length:
        left -= length
        length *= o.get('tMul', 2)
        wave *= o.get('mMul', 1)
    alpha = o.get('alpha', 0)
    return height * ((1 - alpha) * 0.5 * wave * (1 + math.cos(math.pi * left / length)) + alpha)


FORMULAS = {
    'exponentialDecay': exponential,
    'inverseTimeDecay': inverse_time,
    'piecewiseConstantDecay': piecewise,
    'polynomialDecay': polynomial,
    'cosineDecay': cosine,
    'cosineDecayRestarts': cosine_restarts,
}


def torch_rates(steps, rate, make):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        scheduler.step()
    return rates


def linear_warmup(optimizer, o, after):
    """PyTorch's way to say it: the rate of the optimizer is the target."""
    warmup = o['warmupSteps']
    start = max(o['initialLearningRate'] / optimizer.param_groups[0]['lr'], 1e-12)
    rise = lr_scheduler.LinearLR(optimizer, start_factor=start, total_iters=warmup)
    return lr_scheduler.SequentialLR(optimizer, [rise, after(optimizer)], milestones=[warmup])


def keras_cases():
    yield 'exponentialDecay', {'initialLearningRate': 0.1, 'decaySteps': 1, 'decayRate': 0.9}, 20, (
        0.1, lambda opt: lr_scheduler.ExponentialLR(opt, 0.9))
    yield 'exponentialDecay', {'initialLearningRate': 0.1, 'decaySteps': 7, 'decayRate': 0.5, 'staircase': True}, 40, (
        0.1, lambda opt: lr_scheduler.StepLR(opt, 7, 0.5))
    yield 'exponentialDecay', {'initialLearningRate': 0.3, 'decaySteps': 6.5, 'decayRate': 0.96}, 30, None
    yield 'inverseTimeDecay', {'initialLearningRate': 0.2, 'decaySteps': 4, 'decayRate': 0.5}, 30, (
        0.2, lambda opt: lr_scheduler.LambdaLR(opt, lambda step: 1 / (1 + 0.5 * step / 4)))
    yield 'inverseTimeDecay', {'initialLearningRate': 0.2, 'decaySteps': 4, 'decayRate': 0.5, 'staircase': True}, 30, None
    # Keras changes the rate after the boundary, PyTorch at the milestone.
    yield 'piecewiseConstantDecay', {'boundaries': [9, 19], 'values': [1.0, 0.1, 0.01]}, 30, (
        1.0, lambda opt: lr_scheduler.MultiStepLR(opt, [10, 20], 0.1))
    yield 'piecewiseConstantDecay', {'boundaries': [0], 'values': [0.5, 0.25]}, 4, None
    yield 'polynomialDecay', {'initialLearningRate': 0.1, 'decaySteps': 20, 'endLearningRate': 0.02}, 30, (
        0.1, lambda opt: lr_scheduler.LinearLR(opt, 1, 0.2, total_iters=20))
    yield 'polynomialDecay', {'initialLearningRate': 0.1, 'decaySteps': 12, 'power': 0.5}, 20, None
    yield 'polynomialDecay', {'initialLearningRate': 0.1, 'decaySteps': 12, 'endLearningRate': 0, 'power': 2,
                              'cycle': True}, 40, None
    yield 'cosineDecay', {'initialLearningRate': 0.1, 'decaySteps': 25, 'alpha': 0.1}, 25, (
        0.1, lambda opt: lr_scheduler.CosineAnnealingLR(opt, 25, 0.01))
    yield 'cosineDecay', {'initialLearningRate': 0.1, 'decaySteps': 10}, 15, None
    yield 'cosineDecay', {'initialLearningRate': 0.01, 'decaySteps': 20, 'warmupTarget': 0.3, 'warmupSteps': 8,
                          'alpha': 0.05}, 35, None
    yield 'cosineDecay', {'initialLearningRate': 0.01, 'decaySteps': 5, 'warmupTarget': 0.3}, 8, None
    yield 'cosineDecayRestarts', {'initialLearningRate': 0.1, 'firstDecaySteps': 10}, 80, (
        0.1, lambda opt: lr_scheduler.CosineAnnealingWarmRestarts(opt, 10, 2))
    yield 'cosineDecayRestarts', {'initialLearningRate': 0.1, 'firstDecaySteps': 7, 'tMul': 1, 'mMul': 0.5,
                                  'alpha': 0.1}, 30, None
    yield 'cosineDecayRestarts', {'initialLearningRate': 0.1, 'firstDecaySteps': 1, 'tMul': 10, 'mMul': 0.9}, 1200, None
    yield 'cosineDecayRestarts', {'initialLearningRate': 0.1, 'firstDecaySteps': 3, 'tMul': 1.5, 'mMul': 0.8}, 60, None


def one_cycle_cases():
    yield {'maxLearningRate': 0.1, 'totalSteps': 100}, {}
    yield {'maxLearningRate': 0.5, 'totalSteps': 33, 'pctStart': 0.25, 'annealStrategy': 'linear', 'divFactor': 10,
           'finalDivFactor': 100}, {'pct_start': 0.25, 'anneal_strategy': 'linear', 'div_factor': 10,
                                    'final_div_factor': 100}
    yield {'maxLearningRate': 0.5, 'totalSteps': 40, 'threePhase': True}, {'three_phase': True}
    yield {'maxLearningRate': 0.5, 'totalSteps': 7, 'pctStart': 0.4, 'threePhase': True,
           'annealStrategy': 'linear'}, {'pct_start': 0.4, 'three_phase': True, 'anneal_strategy': 'linear'}


def main():
    cases = []
    for name, options, steps, torch_case in keras_cases():
        rates = [FORMULAS[name](options, step) for step in range(steps)]
        if torch_case:
            for step, (own, other) in enumerate(zip(rates, torch_rates(steps, *torch_case))):
                assert math.isclose(own, other, rel_tol=1e-9, abs_tol=1e-15), (name, options, step, own, other)
        cases.append({'schedule': name, 'options': options, 'rates': rates})
    for options, torch_options in one_cycle_cases():
        total, top = options['totalSteps'], options['maxLearningRate']
        rates = torch_rates(total - 1, top, lambda opt: lr_scheduler.OneCycleLR(
            opt, top, total_steps=total, cycle_momentum=False, **torch_options))
        cases.append({'schedule': 'oneCycle', 'options': options, 'rates': rates})
    after = {'initialLearningRate': 0.2, 'decaySteps': 5, 'decayRate': 0.5, 'staircase': True}
    warmup = {'warmupSteps': 8, 'initialLearningRate': 0.05}
    rates = torch_rates(30, 0.2, lambda opt: linear_warmup(opt, warmup, lambda o: lr_scheduler.StepLR(o, 5, 0.5)))
    cases.append({'schedule': 'linearWarmup', 'options': {**warmup, 'after': {'type': 'exponentialDecay', **after}},
                  'rates': rates})
    text = ',\n'.join(json.dumps(case) for case in cases)
    (HERE / 'schedules.json').write_text(f'[\n{text}\n]\n')
    print(f'schedules: {len(cases)} cases, torch {torch.__version__}')


main()
