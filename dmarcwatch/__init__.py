"""dmarcwatch: who sends mail as your domain, and may you enforce DMARC?"""
