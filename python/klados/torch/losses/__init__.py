"""One file a loss: its module and its function. Users have them from :mod:`klados.torch`."""
