"""Train the local analyzer's weights: `python scripts/train_local.py FOLDER [--check]`.

FOLDER/minibar/minibar_class.csv.gz: app reviews labelled bug, feature or other (Mini-BAR, arXiv 2311.03058). The texts
are their writers' and are not shipped, the weights are: grams are hashed, so that no word of them is in the file.
Nothing is random: the fit starts at zero (L-BFGS, multinomial logistic regression with a quadratic penalty), so there
is no seed.

Prints macro-F1 on the app that was left out, and what a confidence is worth there; the calibration that makes
confidences true is fitted on those answers. Then trains on everything and writes miner/issues/model/types.npz, whose
SHA-256 belongs into miner/issues/linear.py. `--check` prints only.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from miner.issues.features import BUCKETS, pieces_of, words_of  # noqa: E402
from miner.issues.linear import KINDS, pull  # noqa: E402
from miner.issues.local import hear_text  # noqa: E402
from miner.themes.embed import embed_texts  # noqa: E402
from miner.tickets.text import clean  # noqa: E402

Array = NDArray[np.float64]
TARGET = ROOT / "miner" / "issues" / "model" / "types.npz"
LOOSENESS = 1.0  # how far coefficients may go: the inverse of the penalty
RULES, MEANING = 0.3, 1.0  # how strongly rules and meaning enter beside words, which have length 1
BALANCE = 0.5  # 0: kinds weigh as often as they occur, 1: all the same
LEAST = 2  # texts that a gram must occur in
STEPS = 100


class Data:
    """One row for each label of a review; those of two labels are trained on as both, and not judged."""

    def __init__(self, folder: Path, vectors: Path | None) -> None:
        with gzip.open(folder / "minibar" / "minibar_class.csv.gz", "rt", encoding="utf-8", newline="") as file:
            rows = [(row, kind) for row in csv.DictReader(file) for kind in row["label"].split("+") if kind in KINDS]
        self.judged = np.array(["+" not in row["label"] for row, _ in rows])
        self.kinds = np.array([KINDS.index(kind) for _, kind in rows])
        self.apps = np.array([row["app"] for row, _ in rows])
        self.languages = np.array([row["lang"] for row, _ in rows])
        self.raw = [row["text"] for row, _ in rows]
        heard = [hear_text(clean(text)) for text in self.raw]
        self.gists = [one.gist for one in heard]
        self.words = count(words_of(one.text) for one in heard)
        self.pieces = count(pieces_of(one.text) for one in heard)
        self.rules = np.array([one.rules for one in heard], np.float64)
        self.meaning = find_vectors(self.gists, vectors).astype(np.float64)


def find_vectors(texts: list[str], path: Path | None) -> NDArray[np.float32]:
    """The texts' vectors, shape (n, 384), from the file at `path` where they were kept."""
    if path is not None and path.exists():
        return np.asarray(np.load(path, allow_pickle=False), np.float32)
    found = embed_texts(texts)
    if path is not None:
        np.save(path, found.astype(np.float16))
    return found


def count(texts: object) -> sparse.csr_matrix:
    """Damped counts, shape (texts, BUCKETS)."""
    columns: list[int] = []
    values: list[float] = []
    ends = [0]
    for counts in texts:  # type: ignore[attr-defined]
        columns += counts.keys()
        values += [1 + np.log(times) for times in counts.values()]
        ends.append(len(columns))
    return sparse.csr_matrix((values, columns, ends), shape=(len(ends) - 1, BUCKETS))


def learn_idf(counts: sparse.csr_matrix) -> Array:
    """Rare grams weigh more; those in fewer than LEAST texts nothing."""
    texts = np.asarray((counts > 0).sum(axis=0)).ravel()
    return np.where(texts >= LEAST, np.log((1 + counts.shape[0]) / (1 + texts)) + 1, 0.0)


def weigh(counts: sparse.csr_matrix, idf: Array) -> sparse.csr_matrix:
    weighted = counts @ sparse.diags(idf)
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return (sparse.diags(1 / np.where(length > 0, length, 1)) @ weighted).tocsr()


def fit(features: sparse.csr_matrix, kinds: NDArray[np.int64], certain: NDArray[np.bool_]) -> Array:
    """Coefficients of shape (features + 1, 3), the last row the bias."""
    rows, width, many = features.shape[0], features.shape[1], len(KINDS)
    turned = features.T.tocsr()
    worth = ((rows / many / np.bincount(kinds, minlength=many)) ** BALANCE)[kinds] * np.where(certain, 1, 0.5)
    truth = np.eye(many)[kinds]

    def loss(flat: Array) -> tuple[float, Array]:
        weights = flat.reshape(width + 1, many)
        scores = features @ weights[:-1] + weights[-1]
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores)
        chances /= chances.sum(axis=1, keepdims=True)
        wrong = -(worth * np.log(np.maximum(chances[np.arange(rows), kinds], 1e-12))).sum()
        slope = LOOSENESS * worth[:, None] * (chances - truth)
        pull = np.vstack([turned @ slope + weights[:-1], slope.sum(axis=0)])
        return LOOSENESS * wrong + 0.5 * float((weights[:-1] ** 2).sum()), pull.ravel()

    start = np.zeros((width + 1) * many)
    return optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x.reshape(-1, many)


class Model:
    """Trained on the rows of `chosen`."""

    def __init__(self, data: Data, chosen: NDArray[np.bool_]) -> None:
        self.word_idf, self.piece_idf = learn_idf(data.words[chosen]), learn_idf(data.pieces[chosen])
        self.met = [np.flatnonzero(self.word_idf), np.flatnonzero(self.piece_idf)]
        features = self.features(data)
        self.weights = fit(features[chosen], data.kinds[chosen], data.judged[chosen])
        self.scores = features @ self.weights[:-1] + self.weights[-1] + pull(data.rules)

    def features(self, data: Data) -> sparse.csr_matrix:
        words, pieces = weigh(data.words, self.word_idf), weigh(data.pieces, self.piece_idf)
        blocks = [words[:, self.met[0]], pieces[:, self.met[1]], data.meaning * MEANING, data.rules * RULES]
        return sparse.hstack([sparse.csr_matrix(block) for block in blocks]).tocsr()

    def arrays(self, calibration: Array) -> dict[str, NDArray[np.generic]]:
        """What the analyzer loads: plain arrays, half as precise as numbers usually are."""
        half = np.float16
        many_words, many_pieces = (len(met) for met in self.met)
        parts = np.split(self.weights, [many_words, many_words + many_pieces, many_words + many_pieces + 384, -1])
        words, pieces = (np.zeros((BUCKETS, len(KINDS)), half) for _ in range(2))
        words[self.met[0]], pieces[self.met[1]] = parts[0].astype(half), parts[1].astype(half)
        return {
            "word_idf": self.word_idf.astype(half),
            "piece_idf": self.piece_idf.astype(half),
            "words": words,
            "pieces": pieces,
            "meaning": (parts[2] * MEANING).astype(np.float32),
            "rules": (parts[3] * RULES).astype(np.float32),
            "bias": parts[4][0].astype(np.float32),
            "sharpness": np.array(calibration[0], np.float32),
            "lean": np.append(calibration[1:], 0).astype(np.float32),
        }


def to_chances(scores: Array, calibration: Array) -> Array:
    """`calibration` is the sharpness and the lean of all kinds but the last."""
    leaning = calibration[0] * scores + np.append(calibration[1:], 0)
    powers = np.exp(leaning - leaning.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def calibrate(scores: Array, kinds: NDArray[np.int64]) -> Array:
    """The calibration under which what is true is the most likely."""

    def loss(calibration: Array) -> float:
        return float(-np.log(to_chances(scores, calibration)[np.arange(len(kinds)), kinds]).mean())

    return np.asarray(optimize.minimize(loss, np.array([1.0, 0, 0])).x)


def macro_f1(truth: NDArray[np.int64], answers: NDArray[np.int64]) -> tuple[float, list[float]]:
    scores = []
    for kind in range(len(KINDS)):
        right = int(((truth == kind) & (answers == kind)).sum())
        scores.append(2 * right / max(1, int((truth == kind).sum() + (answers == kind).sum())))
    return float(np.mean(scores)), scores


def report(data: Data, scores: Array, calibration: Array) -> None:
    answers, chances = scores.argmax(axis=1), to_chances(scores, calibration)
    for language in np.unique(data.languages):
        for app in ("every app, each left out once", *np.unique(data.apps)):
            rows = data.judged & (data.languages == language) & ((data.apps == app) | app.startswith("every"))
            mean, each = macro_f1(data.kinds[rows], answers[rows])
            print(
                f"{language} {app:30} macro-F1 {mean:.3f}  "
                + "  ".join(f"{k} {s:.3f}" for k, s in zip(KINDS, each, strict=True))
            )
    top, right = chances[np.arange(len(answers)), answers], answers == data.kinds
    for low, high in ((0.0, 0.5), (0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01)):
        rows = data.judged & (top >= low) & (top < high)
        if rows.any():
            print(f"said {top[rows].mean():.2f}: {right[rows].mean():.2f} right of {rows.sum()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="print, write nothing")
    parser.add_argument("--vectors", type=Path, help="an .npy file that keeps the texts' vectors between runs")
    options = parser.parse_args()
    data = Data(options.folder, options.vectors)
    scores = np.zeros((len(data.kinds), len(KINDS)))
    for app in np.unique(data.apps):
        scores[data.apps == app] = Model(data, data.apps != app).scores[data.apps == app]
    calibration = calibrate(scores[data.judged], data.kinds[data.judged])
    report(data, scores, calibration)
    if options.check:
        return
    arrays = Model(data, np.ones(len(data.kinds), bool)).arrays(calibration)
    content = BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    TARGET.write_bytes(content.getvalue())
    print(f"{TARGET}: {len(content.getvalue()):,} bytes, SHA-256 {hashlib.sha256(content.getvalue()).hexdigest()}")


if __name__ == "__main__":
    main()
