"""PyTorch's half of the bench: a line of JSON is a call, a line of JSON its answer."""

import itertools
import json
import sys
import time

import torch
from torch import nn


def build(network):
    layers = []
    channels = network["input"][-1]
    side = network["input"][0]
    for layer in network["layers"]:
        kind = layer["type"]
        if kind == "conv":
            layers += [nn.Conv2d(channels, layer["filters"], 3), nn.ReLU()]
            channels, side = layer["filters"], side - 2
        elif kind == "pool":
            layers.append(nn.MaxPool2d(2))
            side //= 2
        elif kind == "flatten":
            layers.append(nn.Flatten())
            channels *= side * side
        elif kind == "dropout":
            layers.append(nn.Dropout(layer["rate"]))
        else:
            layers.append(nn.Linear(channels, layer["units"]))
            channels = layer["units"]
            if layer.get("relu"):
                layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def prepare(work):
    network, batch = work["network"], work["batch"]
    if work["mode"] == "gemm":
        a, b = torch.rand(batch, batch), torch.rand(batch, batch)
        return lambda: torch.mm(a, b), 1
    model = build(network).to(memory_format=torch.channels_last)
    height, width, channels = network["input"]
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
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
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
