"""TLS on the port: certificates, handshakes, and answers to who speaks the wrong protocol."""
