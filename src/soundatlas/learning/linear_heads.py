"""Linear heads over a frozen backbone's features: fitted in seconds, kept as plain arrays, applied with numpy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from soundatlas.errors import BundleError
from soundatlas.files import replacing_file_apart

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

EMBEDDING = "embedding"


@dataclass(frozen=True)
class Linear:
    """An affine map of features.

    Attributes:
        weights: float32, shape (features, outputs).
        bias: float32, shape (outputs,).
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map features of shape (tracks, features) to (tracks, outputs)."""
        return np.asarray(features @ self.weights + self.bias, dtype=np.float32)


@dataclass(frozen=True)
class LinearHeads:
    """What the heads say of a track's features, and where it lies among others.

    Attributes:
        classes: head -> map to its logits, classes in the label space's order.
        attributes: attribute -> map to its standardised value, one output.
        embedding: the map before the embedding is normalised.
    """

    classes: dict[str, Linear]
    attributes: dict[str, Linear]
    embedding: Linear

    def predict(
        self, features: NDArray[np.float32]
    ) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
        """Apply the heads.

        Args:
            features: float32, shape (tracks, features).

        Returns:
            head -> logits (tracks, classes), and attribute -> standardised values (tracks,).
        """
        logits = {head: linear(features) for head, linear in self.classes.items()}
        return logits, {name: linear(features)[:, 0] for name, linear in self.attributes.items()}

    def embed(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings of length 1, so that a dot product is a cosine: float32, shape (tracks, dimensions)."""
        vectors = self.embedding(features)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)

    def save(self, path: Path) -> None:
        """Write a safetensors file; equal heads give equal bytes."""
        parts = {f"class/{head}": linear for head, linear in self.classes.items()}
        parts |= {f"attribute/{name}": linear for name, linear in self.attributes.items()}
        parts |= {EMBEDDING: self.embedding}
        tensors = {f"{name}/weights": np.ascontiguousarray(part.weights) for name, part in parts.items()}
        tensors |= {f"{name}/bias": np.ascontiguousarray(part.bias) for name, part in parts.items()}
        with replacing_file_apart(path) as beside:
            save_file(tensors, beside)

    @classmethod
    def load(cls, path: Path) -> LinearHeads:
        """Read what `save` wrote.

        Raises:
            BundleError: when the file is missing or damaged.
        """
        try:
            file = cast("Any", safe_open(path, framework="numpy"))
            names = sorted(name.removesuffix("/bias") for name in file.keys() if name.endswith("/bias"))  # noqa: SIM118 - no mapping
            parts = {
                name: Linear(file.get_tensor(f"{name}/weights"), file.get_tensor(f"{name}/bias")) for name in names
            }
            embedding = parts.pop(EMBEDDING)
        except (SafetensorError, OSError, KeyError) as error:
            raise BundleError(f"{path.name} cannot be read ({error}): train the model again") from None
        kinds: dict[str, dict[str, Linear]] = {"class": {}, "attribute": {}}
        for name, part in parts.items():
            kind, _, head = name.partition("/")
            kinds[kind][head] = part
        return cls(kinds["class"], kinds["attribute"], embedding)
