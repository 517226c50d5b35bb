"""AppService: the fleet as apps see it. Imported when the first of its RPCs is called."""
