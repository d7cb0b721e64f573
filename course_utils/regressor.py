"""The course's networks as a scikit-learn regressor, for pipelines and ``cross_val_score``."""

import warnings

import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from course_utils.losses import mean_nll
from course_utils.models import HeteroscedasticRegressor, HomoscedasticRegressor, Standardised
from course_utils.randomness import OwnDraws
from course_utils.training import Remark, fit, predict

__all__ = ["VarianceRegressor"]


class VarianceRegressor(RegressorMixin, BaseEstimator):
    """A network in standard units that predicts y and, with ``return_std=True``, its σ.

    ``varies`` gives it a second output, σ(x), else it has one σ; the other parameters are those of
    the models and of ``fit``. σ is that of the training data: with few rows it is too small.
    """

    def __init__(self, hidden=(50,), varies=True, steps=300, lr=0.01, decay=1e-3, seed=0):
        self.hidden, self.varies, self.steps = hidden, varies, steps
        self.lr, self.decay, self.seed = lr, decay, seed

    def fit(self, X, y):
        """X (n, d), y (n,)."""
        X, y = validate_data(self, X, y, y_numeric=True, dtype="float64")
        kind = HeteroscedasticRegressor if self.varies else HomoscedasticRegressor
        with OwnDraws(self.seed):
            network = kind(X.shape[1], self.hidden)
        x, y = torch.tensor(X), torch.tensor(y, dtype=torch.float64)[:, None]
        self.model_ = Standardised(network, x, y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Remark)
            fit(
                self.model_,
                mean_nll,
                x,
                y,
                steps=self.steps,
                lr=self.lr,
                anneal=True,
                optimizer=lambda p, lr: torch.optim.AdamW(p, lr=lr, weight_decay=self.decay),
            )
        return self

    def predict(self, X, return_std=False):
        """The mean (n,), or the mean and σ, both (n,), in the units of y."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype="float64")
        mu, sigma = (value[:, 0].numpy() for value in predict(self.model_, torch.tensor(X)))
        return (mu, sigma) if return_std else mu
