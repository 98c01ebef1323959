"""HiP written plainly in PyTorch, as its users would: the peer of `bench training` and `bench inference`.

Reads one JSON line: {config, modality, inputShape, weights, input, threads}. `weights` and `input` are .safetensors
files; weights carry the names of the reference. Answers as `torch_peer.py` says.
"""
import json
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

import torch_peer


class Named(nn.Module):
    """A module that knows which parameters of the reference are its own."""

    def __init__(self, path):
        super().__init__()
        self.path = path


class Linear(Named):
    def __init__(self, path, inputs, outputs, bias=True):
        super().__init__(path)
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None

    def load(self, weights):
        self.weight.data = weights[f"{self.path}/w"].t().contiguous()
        if self.bias is not None:
            self.bias.data = weights[f"{self.path}/b"].clone()

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


class Norm(Named):
    def __init__(self, path, channels):
        super().__init__(path)
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))

    def load(self, weights):
        self.weight.data = weights[f"{self.path}/scale"].clone()
        self.bias.data = weights[f"{self.path}/offset"].clone()

    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, 1e-5)


class Table(Named):
    def __init__(self, path, rows, channels):
        super().__init__(path)
        self.weight = nn.Parameter(torch.empty(rows, channels))

    def load(self, weights):
        self.weight.data = weights[f"{self.path}/pos_embs"].clone()

    def forward(self):
        return self.weight


class Attention(nn.Module):
    def __init__(self, path, query_channels, input_channels, inner, heads):
        super().__init__()
        self.heads = heads
        self.query = Linear(f"{path}/query_linear", query_channels, inner)
        self.key = Linear(f"{path}/key_linear", input_channels, inner)
        self.value = Linear(f"{path}/value_linear", input_channels, inner)
        self.out = Linear(f"{path}/attention_output_linear", inner, query_channels)

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(-2, -3)

    def forward(self, queries, inputs):
        q, k, v = self.split(self.query(queries)), self.split(self.key(inputs)), self.split(self.value(inputs))
        if torch_peer.fused_attention:
            shape = q.shape[:2]
            attended = F.scaled_dot_product_attention(q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1))
            attended = attended.unflatten(0, shape)
        else:
            scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
            attended = scores.softmax(-1) @ v
        return self.out(attended.transpose(-2, -3).flatten(-2))


class Mlp(nn.Module):
    def __init__(self, path, channels, widening):
        super().__init__()
        self.hidden = Linear(f"{path}/mlp_hidden_linear", channels, channels * widening)
        self.output = Linear(f"{path}/mlp_output_linear", channels * widening, channels)

    def forward(self, x):
        return self.output(F.relu(self.hidden(x)).square())


class CrossAttention(nn.Module):
    def __init__(self, path, query_channels, input_channels, inner, heads, widening, residual):
        super().__init__()
        self.residual = residual
        self.norm_queries = Norm(f"{path}/layer_norm", query_channels)
        self.norm_inputs = Norm(f"{path}/layer_norm_1", input_channels)
        self.norm_mlp = Norm(f"{path}/layer_norm_2", query_channels)
        self.attention = Attention(f"{path}/attention", query_channels, input_channels, inner, heads)
        self.mlp = Mlp(f"{path}/dense", query_channels, widening)

    def forward(self, queries, inputs):
        x = self.attention(self.norm_queries(queries), self.norm_inputs(inputs))
        if self.residual:
            x = x + queries
        return x + self.mlp(self.norm_mlp(x))


class SelfAttention(nn.Module):
    def __init__(self, path, channels, heads, widening):
        super().__init__()
        self.norm = Norm(f"{path}/layer_norm", channels)
        self.norm_mlp = Norm(f"{path}/layer_norm_1", channels)
        self.attention = Attention(f"{path}/attention", channels, channels, channels, heads)
        self.mlp = Mlp(f"{path}/dense", channels, widening)

    def forward(self, x):
        normalized = self.norm(x)
        x = x + self.attention(normalized, normalized)
        return x + self.mlp(self.norm_mlp(x))


class Block(nn.Module):
    def __init__(self, path, config, i, groups, input_channels, skip_channels):
        super().__init__()
        channels = config["numZChannels"][i]
        self.latents = config["zIndexDim"][i]
        cross = f"{path}/~/hi_p_cross_attention"
        self.queries = Table(f"{cross}/query_inputs", groups * self.latents, channels)
        self.cross = CrossAttention(
            cross, channels, input_channels, input_channels, config["numCrossAttendHeads"][i],
            config["crossAttendWideningFactor"][i], True,
        )
        self.skip = None
        if skip_channels not in (None, channels):
            self.skip = Linear(f"{cross}/pre_attention_residual_linear", skip_channels, channels)
        self.layers = nn.ModuleList(
            SelfAttention(
                f"{path}/~/self_attend_id_{n}", channels, config["numSelfAttendHeads"][i],
                config["selfAttendWideningFactor"][i],
            )
            for n in range(config["numSelfAttendsPerBlock"][i])
        )

    def forward(self, x, skip):
        batch, groups = x.shape[:2]
        queries = self.queries().view(1, groups, self.latents, -1).expand(batch, -1, -1, -1)
        if skip is not None:
            queries = queries + (self.skip(skip) if self.skip else skip)
        x = self.cross(queries, x)
        for layer in self.layers:
            x = layer(x)
        return x


class Hip(nn.Module):
    def __init__(self, config, modality, rows, channels):
        super().__init__()
        self.groups = config["numGroups"]
        width = config["numEmbeddingChannels"]
        projected = config.get("numPositionEncodingChannels") or width
        self.embed = Linear(f"perceiver/embedder/~embed/embed_{modality}", channels, width)
        self.table = Table(f"perceiver/position_encoder/pos_emb_mae_{modality}", rows, width)
        self.project = None
        if projected != width:
            self.project = Linear("perceiver/position_encoder/position_encoding_linear", width, width, bias=False)
        blocks = []
        inputs = width
        middle = len(self.groups) // 2
        for i, groups in enumerate(self.groups):
            skip = config["numZChannels"][len(self.groups) - 1 - i] if i > middle else None
            blocks.append(Block(f"perceiver/block_{i}", config, i, groups, inputs, skip))
            inputs = config["numZChannels"][i]
        self.blocks = nn.ModuleList(blocks)
        self.head = CrossAttention(
            "perceiver/reconstruction_head/hi_p_cross_attention", width, inputs, inputs, 1, 1, False
        )
        self.unembed = Linear(f"perceiver/embedder/~unembed/unembed_{modality}", width, channels)

    def forward(self, inputs, encoder_only=False):
        batch, rows, _ = inputs.shape
        positions = self.table() if self.project is None else self.project(self.table())
        x = (self.embed(inputs) + positions).view(batch, self.groups[0], rows // self.groups[0], -1)
        outputs = []
        middle = len(self.groups) // 2
        for i, block in enumerate(self.blocks):
            if i > 0:
                x = x.reshape(batch, self.groups[i], -1, x.shape[-1])
            x = block(x, outputs[len(self.groups) - 1 - i] if i > middle else None)
            outputs.append(x)
            if encoder_only and i == middle:
                return x
        queries = positions.view(1, self.groups[0], rows // self.groups[0], -1).expand(batch, -1, -1, -1)
        return self.unembed(self.head(queries, x)).reshape(batch, rows, -1)


def read_weights(model, weights):
    used = set()
    for module in model.modules():
        if isinstance(module, Named):
            module.load(weights)
            used |= {name for name in weights if name.rsplit("/", 1)[0] == module.path}
    assert used == set(weights), f"parameters without a place: {sorted(set(weights) - used)[:3]}"


def main():
    spec = json.loads(sys.stdin.readline())
    torch.set_num_threads(spec["threads"])
    _, rows, channels = spec["inputShape"]
    model = Hip(spec["config"], spec["modality"], rows, channels)
    read_weights(model, load_file(spec["weights"]))
    inputs = load_file(spec["input"])["input"]
    encoder_only = spec.get("encoderOnly", False)

    def loss_of(out):
        return out.square().mean() if encoder_only else F.mse_loss(out, inputs)

    torch_peer.serve(model, lambda: model(inputs, encoder_only), loss_of)


main()
