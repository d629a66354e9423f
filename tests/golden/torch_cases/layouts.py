"""How PyTorch's tensors lie in the library: a function of a tensor whose first axis is the batch afterwards."""


def channels_last(x):
    """(batch, channels, …) → (batch, …, channels)."""
    return x.movedim(1, -1)


def as_is(x):
    """Numbers and rows of numbers become samples of one number."""
    return x.reshape(-1, 1) if x.dim() < 2 else x


def batch_second(x):
    """(steps, batch, features) → (batch, steps, features)."""
    return x.transpose(0, 1)


def one_sample(x):
    """The whole tensor is one sample."""
    return x.reshape(1, 1) if x.dim() == 0 else x[None]
