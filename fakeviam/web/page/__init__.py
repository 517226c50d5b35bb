"""The page: a cloud, its calls and its evidence in a browser. Imported on first use."""
