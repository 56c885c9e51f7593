"""all-MiniLM-L6-v2, a BERT encoder (Devlin et al., 2019), as ONNX Runtime computes it with weights of seven bits."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnxruntime
from onnx import NodeProto, TensorProto, helper, numpy_helper

from infra.blas import Floats, np

WIDTH, HEADS, LAYERS = 384, 12, 6
EPSILON = 1e-12
# Of the eight, so that sums of two products fit 16 bits, where processors without VNNI keep them: all give the same vectors.
WEIGHT_MOST = 63
OPSET, FUSED, IR_VERSION = 17, "com.microsoft", 8


class Encoder:
    """`weights` by the names that PyTorch's BertModel gives them. Threads may share one.

    A product takes a quarter of the time, and of the weights' memory, that floating point takes: weights are rounded once, for each
    output by its largest, and what comes in each time, by the largest of the text (dynamic quantization). A text is computed by
    itself, so that its vector does not depend on others. The cosine to the vector of exact weights is 0.99.
    """

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self._words = weights["embeddings.word_embeddings.weight"]  # stays in the file: only rows in use are read
        self._places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # those who ask are several
        options.enable_cpu_mem_arena = False  # it would keep what the longest text took
        model = _Graph(weights).model()
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def __call__(self, tokens: Sequence[int]) -> Floats:
        """A unit vector: the mean over the tokens, of which there are at most 512."""
        x = self._words[np.asarray(tokens)] + self._places[: len(tokens)]
        mean: Floats = self._session.run(None, {"x": x[None]})[0][0]
        return mean / np.linalg.norm(mean)


class _Graph:
    """A node is named after its output."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self._weights = weights
        self._nodes: list[NodeProto] = []
        self._values: list[TensorProto] = []

    def model(self) -> bytes:
        x = self._node("LayerNormalization", "embedded", ["x", *self._norm("embeddings.LayerNorm")], epsilon=EPSILON)
        for number in range(LAYERS):
            x = self._layer(f"encoder.layer.{number}", x)
        mean = self._node("ReduceMean", "mean", [x], axes=[1], keepdims=0)
        given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "tokens", WIDTH])
        answer = helper.make_tensor_value_info(mean, TensorProto.FLOAT, [1, WIDTH])
        graph = helper.make_graph(self._nodes, "encoder", [given], [answer], self._values)
        versions = [helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, 1)]
        model: bytes = helper.make_model(graph, opset_imports=versions, ir_version=IR_VERSION).SerializeToString()
        return model

    def _layer(self, name: str, x: str) -> str:
        attention = f"{name}.attention"
        parts = [self._linear(f"{attention}.self.{part}", x) for part in ("query", "key", "value")]
        attended = self._fused("MultiHeadAttention", attention, parts, num_heads=HEADS)
        x = self._added(f"{attention}.output", attended, x)
        widened = self._fused("Gelu", f"{name}.gelu", [self._linear(f"{name}.intermediate.dense", x)])
        return self._added(f"{name}.output", widened, x)

    def _added(self, name: str, x: str, to: str) -> str:
        scale, shift = self._norm(f"{name}.LayerNorm")
        return self._fused("SkipLayerNormalization", name, [self._linear(f"{name}.dense", x), to, scale, shift], epsilon=EPSILON)

    def _linear(self, name: str, x: str) -> str:
        weight = self._weights[f"{name}.weight"].T
        scale = np.abs(weight).max(0) / np.float32(WEIGHT_MOST)
        rounded = np.rint(weight / scale).astype(np.int8)
        held = {"weight": rounded, "scale": scale, "zero": np.zeros(len(scale), np.int8), "bias": self._weights[f"{name}.bias"]}
        return self._fused("DynamicQuantizeMatMul", name, [x, *(self._value(f"{name}.{part}", held[part]) for part in held)])

    def _norm(self, name: str) -> list[str]:
        return [self._value(f"{name}.{part}", self._weights[f"{name}.{part}"]) for part in ("weight", "bias")]

    def _value(self, name: str, value: "np.typing.NDArray[Any]") -> str:
        self._values.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _fused(self, kind: str, name: str, given: Sequence[str], **attributes: Any) -> str:
        return self._node(kind, name, given, domain=FUSED, **attributes)

    def _node(self, kind: str, name: str, given: Sequence[str], **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, given, [name], **attributes))
        return name
