"""Tuning: a study of training parameters, judged on the validation tracks alone. The only caller of Optuna."""
