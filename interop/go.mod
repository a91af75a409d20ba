module github.com/seed-d3a9fb6b/apikey/interop

go 1.26.0

replace github.com/seed-d3a9fb6b/apikey => ../

require (
	github.com/clerk/clerk-sdk-go/v2 v2.7.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	github.com/seed-d3a9fb6b/apikey v0.0.0
	google.golang.org/grpc v1.85.0
)

require (
	github.com/go-jose/go-jose/v3 v3.0.4 // indirect
	golang.org/x/crypto v0.59.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/text v0.44.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
