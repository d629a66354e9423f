"""PyTorch's half of the bench: a line of JSON is a call, a line of JSON its answer."""

import itertools
import json
import sys
import time

import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.body(x)
        out += self.shortcut(x)
        return self.relu(out)


def build(specs, channels, side):
    """The layers in a row, and the channels and side of what comes out of them."""
    layers = []
    for layer in specs:
        kind = layer["type"]
        if kind == "conv":
            kernel, stride, norm = layer["kernel"], layer["stride"], layer["norm"]
            padding = kernel // 2 if layer["same"] else 0
            filters = layer["filters"]
            layers.append(nn.Conv2d(channels, filters, kernel, stride, padding, bias=not norm))
            channels, side = filters, (side + 2 * padding - kernel) // stride + 1
            if norm:
                layers.append(nn.BatchNorm2d(channels))
            if layer["relu"]:
                layers.append(nn.ReLU(inplace=True))
        elif kind == "residual":
            body, *after = build(layer["body"], channels, side)
            shortcut, *_ = build(layer["shortcut"], channels, side)
            layers.append(Residual(body, shortcut))
            channels, side = after
        elif kind == "pool":
            layers.append(nn.MaxPool2d(2))
            side //= 2
        elif kind == "average":
            layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            side = 1
        elif kind == "flatten":
            layers.append(nn.Flatten())
            channels, side = channels * side * side, 1
        elif kind == "dropout":
            layers.append(nn.Dropout(layer["rate"]))
        else:
            layers.append(nn.Linear(channels, layer["units"]))
            channels = layer["units"]
            if layer.get("relu"):
                layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers), channels, side


def optimizer_of(model, name, learningRate, momentum=0):
    if name == "adam":
        return torch.optim.Adam(model.parameters(), lr=learningRate)
    return torch.optim.SGD(model.parameters(), lr=learningRate, momentum=momentum)


def prepare(work):
    network, batch = work["network"], work["batch"]
    if work["mode"] == "gemm":
        a, b = torch.rand(batch, batch), torch.rand(batch, batch)
        return lambda: torch.mm(a, b), 1
    height, width, channels = network["input"]
    model, *_ = build(network["layers"], channels, height)
    model = model.to(memory_format=torch.channels_last)
    batches = work["batches"] if work["mode"] == "train" else 1
    xs = [
        torch.rand(batch, channels, height, width).contiguous(memory_format=torch.channels_last)
        for _ in range(batches)
    ]
    if work["mode"] == "infer":
        model.eval()

        def infer():
            with torch.inference_mode():
                model(xs[0])

        return infer, batch
    optimizer = optimizer_of(model, **network["optimizer"])
    if network["head"] == "binary":
        loss = nn.BCEWithLogitsLoss()
        y = (torch.arange(batch) % 2).float().reshape(batch, 1)
    else:
        loss = nn.CrossEntropyLoss()
        y = torch.arange(batch) % 10

    turn = itertools.cycle(xs)

    def train():
        optimizer.zero_grad(set_to_none=True)
        value = loss(model(next(turn)), y)
        value.backward()
        optimizer.step()
        return value.item()

    return train, batch


def timed(step, units, seconds):
    started = time.perf_counter()
    steps = 0
    while True:
        step()
        steps += 1
        elapsed = time.perf_counter() - started
        if elapsed >= seconds:
            return units * steps / elapsed


def main():
    contestant = None
    for line in sys.stdin:
        call = json.loads(line)
        try:
            if call["method"] == "prepare":
                torch.set_num_threads(call["setting"]["threads"])
                contestant = prepare(call["work"])
                answer = {"version": torch.__version__, "threads": torch.get_num_threads()}
            else:
                answer = timed(*contestant, call["seconds"])
            print(json.dumps({"answer": answer}), flush=True)
        except Exception as error:  # the caller shows it as the reason
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)


main()
