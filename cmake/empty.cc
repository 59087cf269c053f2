// What the precompiled headers are made with.
