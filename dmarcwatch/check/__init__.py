"""What is asked of the world today: keys of reporters' signatures, DNS, the SES account."""
