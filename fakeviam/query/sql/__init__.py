"""MongoDB's SQL dialect, compiled to stages of pipelines."""
