"""The forward pass of all-MiniLM-L6-v2, a BERT encoder (Devlin et al., 2019), in numpy: a unit vector for each sequence of tokens."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from infra.blas import Floats, np

WIDTH, HEADS, LAYERS = 384, 12, 6
HEAD_WIDTH = WIDTH // HEADS
EPSILON = np.float32(1e-12)
ROWS_AT_ONCE = 128  # keeps what is four times as wide in the processor's cache
# OpenBLAS copies a matrix before it multiplies, which for a question of few tokens costs more than the product; a small one it does not.
COLUMNS_AT_ONCE = 32
HIDDEN = np.float32(-1e9)
ERF = tuple(map(np.float32, (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)))
ERF_SCALE = np.float32(0.3275911)
HALF_ROOT = np.float32(0.5**0.5)


class Linear:
    """Rows times `weight` (inputs, outputs) plus `bias`."""

    def __init__(self, weight: Floats, bias: Floats) -> None:
        self._weight = np.ascontiguousarray(weight.reshape(len(weight), -1, COLUMNS_AT_ONCE).swapaxes(0, 1))
        self._bias = np.array(bias)

    def __call__(self, x: Floats) -> Floats:
        y = np.empty((len(x), len(self._bias)), np.float32)
        for begin in range(0, len(x), ROWS_AT_ONCE):
            rows = y[begin : begin + ROWS_AT_ONCE]
            np.matmul(x[begin : begin + ROWS_AT_ONCE], self._weight, out=rows.reshape(len(rows), -1, COLUMNS_AT_ONCE).swapaxes(0, 1))
        y += self._bias
        return y


class Norm(NamedTuple):
    """Rows brought to mean 0 and variance 1, then scaled and shifted, in place."""

    scale: Floats
    shift: Floats

    def __call__(self, x: Floats) -> Floats:
        x -= x.mean(-1, keepdims=True)
        variance = np.einsum("ij,ij->i", x, x) / np.float32(WIDTH)
        x /= np.sqrt(variance + EPSILON)[:, None]
        x *= self.scale
        x += self.shift
        return x


class Layer(NamedTuple):
    """`attended` makes query, key and value in one product; the factor of the scores is in the query's weights already."""

    attended: Linear
    mixed: Linear
    mixed_norm: Norm
    widened: Linear
    narrowed: Linear
    narrowed_norm: Norm


class Encoder:
    """`weights` by the names that PyTorch's BertModel gives them."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self._words = weights["embeddings.word_embeddings.weight"]  # stays in the file: only rows in use are read
        self._places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        self._norm = _norm(weights, "embeddings.LayerNorm")
        self._layers = [_layer(weights, f"encoder.layer.{number}") for number in range(LAYERS)]

    def __call__(self, sequences: Sequence[Sequence[int]]) -> Floats:
        """A unit vector for each sequence of token numbers: the mean over its tokens, without the padding to the longest."""
        count, longest = len(sequences), max(map(len, sequences))
        lengths = np.array([len(each) for each in sequences])
        shown = np.arange(longest) < lengths[:, None]
        tokens = np.zeros((count, longest), np.int64)
        tokens[shown] = np.concatenate([np.asarray(each) for each in sequences])
        x = self._norm((self._words[tokens] + self._places[:longest]).reshape(-1, WIDTH))
        bias = np.where(shown, np.float32(0), HIDDEN)[:, None, None, :]
        for layer in self._layers:
            x = layer.mixed_norm(layer.mixed(_attention(layer.attended(x), bias)) + x)
            x = layer.narrowed_norm(_widened(layer, x) + x)
        x = x.reshape(count, longest, WIDTH)
        pooled = np.stack([x[place, :length].mean(0) for place, length in enumerate(lengths)])
        vectors: Floats = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors


def _attention(attended: Floats, bias: Floats) -> Floats:
    """Each token as the mix of the values of all tokens of its sequence, a head at a time (Vaswani et al., 2017, section 3.2)."""
    count, longest = bias.shape[0], bias.shape[-1]
    query, key, value = attended.reshape(count, longest, 3, HEADS, HEAD_WIDTH).transpose(2, 0, 3, 1, 4)
    scores = query @ key.swapaxes(-1, -2)
    scores += bias
    scores -= scores.max(-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(-1, keepdims=True)
    mixed: Floats = (scores @ value).transpose(0, 2, 1, 3).reshape(-1, WIDTH)
    return mixed


def _widened(layer: Layer, x: Floats) -> Floats:
    return np.concatenate([
        layer.narrowed(gelu(layer.widened(x[begin : begin + ROWS_AT_ONCE]))) for begin in range(0, len(x), ROWS_AT_ONCE)
    ])  # fmt: skip


def gelu(x: Floats) -> Floats:
    """The product x · Φ(x), with the error function after Abramowitz and Stegun, 7.1.26 (error below 1.5e-7)."""
    z = np.abs(x)
    z *= HALF_ROOT
    t = np.reciprocal(np.float32(1) + ERF_SCALE * z)
    tail = t * ERF[0]
    for factor in ERF[1:]:
        tail += factor
        tail *= t
    np.square(z, out=z)
    np.negative(z, out=z)
    tail *= np.exp(z, out=z)
    erf: Floats = np.copysign(np.float32(1) - tail, x)
    erf += np.float32(1)
    erf *= x
    erf *= np.float32(0.5)
    return erf


def _layer(weights: Mapping[str, Floats], name: str) -> Layer:
    attention = f"{name}.attention"
    (query, query_bias), *others = (_linear(weights, f"{attention}.self.{part}") for part in ("query", "key", "value"))
    factor = np.float32(HEAD_WIDTH**-0.5)
    return Layer(
        Linear(
            np.concatenate([query * factor, *(weight for weight, _ in others)], axis=1),
            np.concatenate([query_bias * factor, *(bias for _, bias in others)]),
        ),
        Linear(*_linear(weights, f"{attention}.output.dense")),
        _norm(weights, f"{attention}.output.LayerNorm"),
        Linear(*_linear(weights, f"{name}.intermediate.dense")),
        Linear(*_linear(weights, f"{name}.output.dense")),
        _norm(weights, f"{name}.output.LayerNorm"),
    )


def _linear(weights: Mapping[str, Floats], name: str) -> tuple[Floats, Floats]:
    return weights[f"{name}.weight"].T, weights[f"{name}.bias"]


def _norm(weights: Mapping[str, Floats], name: str) -> Norm:
    return Norm(np.array(weights[f"{name}.weight"]), np.array(weights[f"{name}.bias"]))
