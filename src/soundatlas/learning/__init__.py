"""Learning: who learns and who judges, labels, batches, the network, fitting it and scoring it."""
