"""TLS on the port: certificates, handshakes, and replies to clients with the wrong protocol."""
