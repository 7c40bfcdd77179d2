"""The bench of peers: the same data, the same split and the same seeds for soundatlas and for what else there is.

data -> splits -> cells (one training of one peer each, kept on disk) -> scores, paired -> report
"""
