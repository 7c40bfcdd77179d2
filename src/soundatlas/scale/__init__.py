"""Where one machine ends: the same functions under Apache Beam, on whatever runs a Beam pipeline (docs/scale.md)."""
