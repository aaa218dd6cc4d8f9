.status == "PAID"
