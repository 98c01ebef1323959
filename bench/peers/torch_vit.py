"""ViT and MAE written plainly in PyTorch, as their users would: the peer of `bench image-family`.

Reads one JSON line and answers as `torch_hip.py` does: {config, modality, inputShape, weights, input, threads}, where
`config.kind` is `vit` or `mae`. Weights carry our names; query, key and value become one matrix.
"""
import json
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

import torch_peer


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        if torch_peer.fused_attention:
            attended = F.scaled_dot_product_attention(q, k, v)
        else:
            attended = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1) @ v
        return self.out(attended.transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.norm_1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads)
        self.norm_2 = nn.LayerNorm(width, eps=1e-6)
        self.hidden = nn.Linear(width, hidden)
        self.output = nn.Linear(hidden, width)

    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        return x + self.output(F.gelu(self.hidden(self.norm_2(x))))


def stack(sizes):
    return nn.Sequential(*(Block(sizes["width"], sizes["heads"], sizes["mlpWidth"]) for _ in range(sizes["depth"])))


class Vit(nn.Module):
    """Images [B, C, H, W] to the scores of classes [B, K]."""

    def __init__(self, config, side, channels):
        super().__init__()
        width, patch = config["width"], config["patch"][0]
        self.patch_embedding = nn.Conv2d(channels, width, patch, patch)
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, 1 + (side // patch) ** 2, width))
        self.blocks = stack(config)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, config["classes"])

    def forward(self, images):
        x = self.patch_embedding(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])

    def loss(self, scores, images):
        labels = 37 * torch.arange(len(images)) % scores.shape[1]
        return F.cross_entropy(scores, labels)


class Mae(nn.Module):
    """Images [B, C, H, W] to the pixels of every patch [B, L, p*p*C]."""

    def __init__(self, config, side, channels):
        super().__init__()
        width, patch, decoder = config["width"], config["patch"][0], config["decoder"]
        self.patch = patch
        rows = 1 + (side // patch) ** 2
        self.patch_embedding = nn.Conv2d(channels, width, patch, patch)
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, rows, width), requires_grad=False)
        self.blocks = stack(config)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.decoder_embedding = nn.Linear(width, decoder["width"])
        self.mask_token = nn.Parameter(torch.empty(1, 1, decoder["width"]))
        self.decoder_positions = nn.Parameter(torch.empty(1, rows, decoder["width"]), requires_grad=False)
        self.decoder_blocks = stack(decoder)
        self.decoder_norm = nn.LayerNorm(decoder["width"], eps=1e-6)
        self.decoder_prediction = nn.Linear(decoder["width"], patch * patch * channels)
        # Which patches are kept is fixed, as it is on the other side.
        count, batch = rows - 1, config["batch"]
        self.order = (75 * torch.arange(count) + 13 * torch.arange(batch)[:, None]) % count
        self.restore = self.order.argsort(1)
        self.kept = count // 4

    def forward(self, images):
        x = self.patch_embedding(images).flatten(2).transpose(1, 2) + self.positions[:, 1:]
        x = x.gather(1, self.order[:, : self.kept, None].expand(-1, -1, x.shape[2]))
        first = (self.class_token + self.positions[:, :1]).expand(len(x), -1, -1)
        y = self.decoder_embedding(self.norm(self.blocks(torch.cat([first, x], 1))))
        masked = self.mask_token.expand(len(y), self.order.shape[1] - self.kept, -1)
        rows = torch.cat([y[:, 1:], masked], 1)
        rows = rows.gather(1, self.restore[:, :, None].expand(-1, -1, rows.shape[2]))
        y = torch.cat([y[:, :1], rows], 1) + self.decoder_positions
        return self.decoder_prediction(self.decoder_norm(self.decoder_blocks(y)))[:, 1:]

    def loss(self, predicted, images):
        batch, channels, height, width = images.shape
        p = self.patch
        patches = images.view(batch, channels, height // p, p, width // p, p).permute(0, 2, 4, 3, 5, 1).flatten(1, 2).flatten(2)
        mask = (self.restore >= self.kept).float()
        return ((predicted - patches).square().mean(-1) * mask).sum() / mask.sum()


def read_weights(model, weights):
    """Copies our parameters to their places; none may be left over."""
    rest = dict(weights)

    def matrix(name):
        return rest.pop(f"{name}/w").t()

    def put(module, name):
        if isinstance(module, nn.LayerNorm):
            values = rest.pop(f"{name}/scale"), rest.pop(f"{name}/offset")
        elif isinstance(module, nn.Conv2d):
            out, channels, rows, columns = module.weight.shape
            values = rest.pop(f"{name}/w").view(rows, columns, channels, out).permute(3, 2, 0, 1), rest.pop(f"{name}/b")
        else:
            values = matrix(name), rest.pop(f"{name}/b")
        module.weight.data, module.bias.data = (v.contiguous().clone() for v in values)

    for name, child in model.named_children():
        if not isinstance(child, nn.Sequential):
            put(child, name)
            continue
        for i, block in enumerate(child):
            path, attention = f"{name}/{i}", block.attention
            put(block.norm_1, f"{path}/norm_1")
            put(block.norm_2, f"{path}/norm_2")
            put(attention.out, f"{path}/attention/output")
            put(block.hidden, f"{path}/mlp/hidden")
            put(block.output, f"{path}/mlp/output")
            three = [f"{path}/attention/{part}" for part in ("query", "key", "value")]
            attention.qkv.weight.data = torch.cat([matrix(part) for part in three]).contiguous()
            attention.qkv.bias.data = torch.cat([rest.pop(f"{part}/b") for part in three])
    for name, parameter in model.named_parameters(recurse=False):
        parameter.data = rest.pop(name).clone()
    assert not rest, f"parameters without a place: {sorted(rest)[:3]}"


def main():
    spec = json.loads(sys.stdin.readline())
    torch.set_num_threads(spec["threads"])
    config = spec["config"]
    batch, pixels, channels = spec["inputShape"]
    side = round(pixels**0.5)
    model = {"vit": Vit, "mae": Mae}[config["kind"]]({**config, "batch": batch}, side, channels)
    read_weights(model, load_file(spec["weights"]))
    images = load_file(spec["input"])["input"].view(batch, side, side, channels).permute(0, 3, 1, 2).contiguous()
    torch_peer.serve(model, lambda: model(images), lambda out: model.loss(out, images))


main()
