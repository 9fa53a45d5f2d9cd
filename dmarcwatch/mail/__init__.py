"""RFC 5322 as mail arrives: header fields, addresses and identifiers, whatever they hold."""
