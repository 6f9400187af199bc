module pellucid.invalid/interop

go 1.25
