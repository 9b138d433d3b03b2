"""Methods of skull stripping; each module has a `METHOD` (`ecdysis.skullstrip.method`)."""
