"""Metrics of labels and predictions, by scikit-learn, written to metrics.json.

    apt-get install python3-sklearn
    /usr/bin/python3 tests/golden/metrics.py
"""

import json
import math
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics

HERE = pathlib.Path(__file__).parent
AVERAGES = ['micro', 'macro', 'weighted']


def scores_of(rng, truth, classes, ties, noise=1.0):
    """Rows of probabilities that lean to the truth; with `ties` of few different values."""
    logits = rng.normal(size=(len(truth), classes)) * noise
    logits[np.arange(len(truth)), truth] += 1
    rows = np.exp(logits)
    rows /= rows.sum(1, keepdims=True)
    return np.round(rows * ties) / ties if ties else rows


def first_of_largest_top_k(truth, scores, k):
    """scikit-learn breaks ties for the last class; with the columns reversed that is the first."""
    classes = scores.shape[1]
    return metrics.top_k_accuracy_score(classes - 1 - truth, scores[:, ::-1], k=k, labels=range(classes))


def class_case(name, truth, guess, classes=None):
    """Everything that is told of class numbers; with `classes` also of those that do not occur."""
    labels = None if classes is None else range(classes)
    found = {'accuracy': metrics.accuracy_score(truth, guess)}
    for average in AVERAGES + ['none']:
        p, r, f, _ = metrics.precision_recall_fscore_support(
            truth, guess, labels=range(max(*truth, *guess) + 1) if average == 'none' and labels is None else labels,
            average=None if average == 'none' else average)
        found[average] = [np.asarray(x).tolist() for x in (p, r, f)]
    size = classes or max(2, *(np.concatenate([truth, guess]) + 1))
    found['confusionMatrix'] = metrics.confusion_matrix(truth, guess, labels=range(size)).tolist()
    if size == 2:
        found['binary'] = list(metrics.precision_recall_fscore_support(truth, guess, average='binary'))[:3]
    report = metrics.classification_report(truth, guess, labels=labels, output_dict=True)
    found['report'] = {key: value for key, value in report.items() if not key.startswith(('micro', 'accuracy'))}
    if classes is None:
        # With classes that do not occur its text has a row 'micro avg' in place of the accuracy.
        found['text'] = metrics.classification_report(truth, guess, digits=4)
    return {'name': name, 'kind': 'classes', 'truth': truth.tolist(), 'guess': guess.tolist(), 'classes': classes,
            'found': found}


def score_case(name, truth, scores):
    classes = scores.shape[1]
    found = {f'top{k}': first_of_largest_top_k(truth, scores, k) for k in range(1, classes)}
    present = len(set(truth.tolist())) == classes
    # scikit-learn wants rows that sum to one; the areas do not depend on it, so they are taken class by class.
    if present:
        areas = [metrics.roc_auc_score(truth == k, scores[:, k]) for k in range(classes)]
        weights = [int((truth == k).sum()) for k in range(classes)]
        found['auc'] = {'none': areas, 'macro': float(np.mean(areas)),
                        'weighted': float(np.average(areas, weights=weights))}
        if np.allclose(scores.sum(1), 1):
            for average in ['macro', 'weighted']:
                other = metrics.roc_auc_score(truth, scores, multi_class='ovr', average=average)
                assert math.isclose(found['auc'][average], other, rel_tol=1e-12)
    return {'name': name, 'kind': 'scores', 'truth': truth.tolist(), 'scores': scores.tolist(), 'found': found}


def binary_case(name, truth, scores):
    fpr, tpr, thresholds = metrics.roc_curve(truth, scores)
    every = metrics.roc_curve(truth, scores, drop_intermediate=False)
    guess = (scores > 0.5).astype(int)
    # Newer versions of scikit-learn begin at infinity, this one at the largest score + 1.
    found = {
        'auc': metrics.roc_auc_score(truth, scores),
        'curve': [fpr.tolist(), tpr.tolist(), thresholds[1:].tolist()],
        'wholeCurve': [every[0].tolist(), every[1].tolist(), every[2][1:].tolist()],
        'binary': list(metrics.precision_recall_fscore_support(truth, guess, average='binary'))[:3],
        'accuracy': metrics.accuracy_score(truth, guess),
    }
    return {'name': name, 'kind': 'binary', 'truth': truth.tolist(), 'scores': scores.tolist(), 'found': found}


def value_case(name, truth, guess):
    found = {
        'meanAbsoluteError': metrics.mean_absolute_error(truth, guess),
        'meanSquaredError': metrics.mean_squared_error(truth, guess),
        'rootMeanSquaredError': math.sqrt(metrics.mean_squared_error(truth, guess)),
        'cosineSimilarity': float(np.mean(np.diag(metrics.pairwise.cosine_similarity(truth, guess)))),
    }
    return {'name': name, 'kind': 'values', 'truth': truth.tolist(), 'guess': guess.tolist(), 'found': found}


def cases():
    rng = np.random.default_rng(11)
    truth = rng.integers(0, 5, 97)
    guess = np.where(rng.random(97) < 0.6, truth, rng.integers(0, 5, 97))
    yield class_case('five classes', truth, guess)
    yield class_case('five classes of seven', truth, guess, 7)
    yield class_case('two classes', rng.integers(0, 2, 41), rng.integers(0, 2, 41))
    yield class_case('never predicted', rng.integers(0, 4, 30), np.full(30, 2))
    yield class_case('absent in the middle', rng.integers(0, 2, 23) * 3, rng.integers(0, 2, 23) * 3)
    yield class_case('predicted but absent', np.array([0, 0, 1, 1]), np.array([2, 0, 2, 1]))
    yield class_case('all positive', np.ones(9, int), np.array([1, 1, 0, 1, 1, 1, 0, 0, 1]))
    yield class_case('no positive at all', np.zeros(5, int), np.zeros(5, int))
    for ties in [0, 4]:
        truth = rng.integers(0, 6, 83)
        yield score_case(f'six classes, ties {ties}', truth, scores_of(rng, truth, 6, ties))
    truth = rng.integers(0, 3, 40)
    yield score_case('absent class', np.where(truth == 1, 2, truth), scores_of(rng, truth, 3, 0))
    for ties in [0, 5, 1]:
        truth = rng.integers(0, 2, 101)
        yield binary_case(f'binary, ties {ties}', truth, scores_of(rng, truth, 2, ties)[:, 1])
    yield binary_case('separable', np.array([0, 0, 1, 1, 1]), np.array([-3.0, 0.1, 0.2, 5, 6]))
    yield binary_case('all equal', np.array([0, 1, 1]), np.array([0.75, 0.75, 0.75]))
    yield value_case('regression', rng.normal(size=(31, 4)), rng.normal(size=(31, 4)))
    yield value_case('one output', rng.normal(size=(20, 1)), rng.normal(size=(20, 1)))
    zero = rng.normal(size=(6, 3))
    zero[2] = 0
    yield value_case('a row of zeros', zero, rng.normal(size=(6, 3)))


def main():
    warnings.simplefilter('ignore', sklearn.exceptions.UndefinedMetricWarning)
    made = list(cases())
    lines = ',\n'.join(json.dumps(case) for case in made)
    (HERE / 'metrics.json').write_text(f'[\n{lines}\n]\n')
    print(f'metrics: {len(made)} cases, scikit-learn {sklearn.__version__}')


main()
