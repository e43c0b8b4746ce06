"""The endpoints, one a file: from an exchange to an outcome. Nothing here touches a socket."""
