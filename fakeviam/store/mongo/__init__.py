"""A store in a MongoDB database, for fakes that share their data."""
