"""AppService: the fleet. Imported with the first call of one of its RPCs."""
