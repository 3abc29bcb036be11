"""What a delivery stream is, read from the API's own JSON; refused where AWS would, or we do not carry it out."""
