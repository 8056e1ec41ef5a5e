//! What takes the place of [`aws`](crate::aws) in a build without the feature of that name: nothing.
