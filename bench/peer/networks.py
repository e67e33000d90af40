# bench/peer/networks.py: the six networks of include/cordis/models in PyTorch, under the same parameter names
"""build(name) takes records (N, leads, L); build(name, channels_last=True) computes a ResNet as Conv2d(1, k)
in the channels-last memory format, from the same input, with weights of shape (O, I, 1, K)."""
import torch
from torch import nn

BLOCKS = {"resnet1d18": (2, 2, 2, 2), "resnet1d50": (3, 4, 6, 3), "resnet1d101": (3, 4, 23, 3)}
RECURRENT = {"lstm": nn.LSTM, "bilstm": nn.LSTM, "gru": nn.GRU}
NAMES = (*BLOCKS, *RECURRENT)


class Layers:
    """The layers a ResNet is made of, over (N, C, L) or (N, C, 1, L)."""

    def __init__(self, channels_last):
        self.channels_last = channels_last

    def conv(self, inputs, outputs, kernel, stride=1):
        padding = kernel // 2
        if self.channels_last:
            layer = nn.Conv2d(inputs, outputs, (1, kernel), (1, stride), (0, padding), bias=False)
        else:
            layer = nn.Conv1d(inputs, outputs, kernel, stride, padding, bias=False)
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        return layer

    def norm(self, channels):
        return nn.BatchNorm2d(channels) if self.channels_last else nn.BatchNorm1d(channels)

    def pool(self):
        return nn.MaxPool2d((1, 3), (1, 2), (0, 1)) if self.channels_last else nn.MaxPool1d(3, 2, 1)


class Block(nn.Module):
    """Basic (two convolutions of 3) or bottleneck (1, 3, 1, four times as wide at the end)."""

    def __init__(self, layers, inputs, width, stride, bottleneck):
        super().__init__()
        outputs = 4 * width if bottleneck else width
        plan = [(width, 1, 1), (width, 3, stride), (outputs, 1, 1)] if bottleneck else [(width, 3, stride), (width, 3, 1)]
        self.depth, channels = len(plan), inputs
        for i, (to, kernel, step) in enumerate(plan, 1):
            self.add_module(f"conv{i}", layers.conv(channels, to, kernel, step))
            self.add_module(f"bn{i}", layers.norm(to))
            channels = to
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(layers.conv(inputs, outputs, 1, stride), layers.norm(outputs))
        else:
            self.downsample = nn.Identity()

    def forward(self, x):
        y = x
        for i in range(1, self.depth + 1):
            y = self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(y))
            if i < self.depth:
                y = torch.relu(y)
        return torch.relu(y + self.downsample(x))


class ResNet1d(nn.Module):
    def __init__(self, name, leads, classes, channels_last, width=64, fc=512):
        super().__init__()
        self.channels_last, bottleneck = channels_last, name != "resnet1d18"
        layers = Layers(channels_last)
        self.conv1, self.bn1, self.pool = layers.conv(leads, width, 7, 2), layers.norm(width), layers.pool()
        channels = width
        for stage, count in enumerate(BLOCKS[name]):
            blocks = []
            for i in range(count):
                stride = 2 if stage > 0 and i == 0 else 1
                blocks.append(Block(layers, channels, width << stage, stride, bottleneck))
                channels = (width << stage) * (4 if bottleneck else 1)
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc1, self.fc2 = nn.Linear(channels, fc), nn.Linear(fc, classes)
        if channels_last:
            self.to(memory_format=torch.channels_last)

    def forward(self, x):
        if self.channels_last:
            x = x.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc2(torch.relu(self.fc1(x.mean((2, 3) if self.channels_last else 2))))


class Recurrent(nn.Module):
    """One layer, and a fully connected one over all its outputs."""

    def __init__(self, name, leads, classes, length, hidden=100):
        super().__init__()
        self.key = "gru" if name == "gru" else "lstm"
        directions = 2 if name == "bilstm" else 1
        self.add_module(self.key, RECURRENT[name](leads, hidden, batch_first=True, bidirectional=directions == 2))
        self.fc = nn.Linear(length * directions * hidden, classes)

    def forward(self, x):
        outputs, _ = self.get_submodule(self.key)(x.transpose(1, 2))
        return self.fc(outputs.flatten(1))


def build(name, length=1000, channels_last=False, leads=12, classes=5):
    if name in BLOCKS:
        return ResNet1d(name, leads, classes, channels_last)
    return Recurrent(name, leads, classes, length)


def batch_of(size, length=1000, dtype=torch.float32, leads=12, classes=5):
    """Records in [-1, 1) and labels of which three in ten are set."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(size, leads, length, generator=generator) * 2 - 1
    y = torch.rand(size, classes, generator=generator) < 0.3
    return x.to(dtype), y.to(dtype)
