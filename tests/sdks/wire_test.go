// Runs the program beside it against an engine that prints, as JSON, what a component is to be registered with: as it
// goes over the wire. The SDK's own mocks will not do: they turn each Output inside of a list into a plain value.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00"

type monitor struct {
	pulumirpc.UnimplementedResourceMonitorServer
}

func (monitor) SupportsFeature(context.Context, *pulumirpc.SupportsFeatureRequest) (*pulumirpc.SupportsFeatureResponse, error) {
	return &pulumirpc.SupportsFeatureResponse{HasSupport: true}, nil
}

func (monitor) RegisterResource(_ context.Context, in *pulumirpc.RegisterResourceRequest) (*pulumirpc.RegisterResourceResponse, error) {
	if in.GetRemote() {
		inputs := in.GetObject().AsMap()
		text, err := json.Marshal(map[string]any{"type": in.GetType(), "name": in.GetName(), "inputs": inputs})
		if err != nil {
			return nil, err
		}
		fmt.Println(string(text))
	}
	return &pulumirpc.RegisterResourceResponse{Urn: "urn:pulumi:dev::pause::" + in.GetType() + "::" + in.GetName()}, nil
}

// ReadResource has the outputs of the stack that made the machines.
func (monitor) ReadResource(_ context.Context, in *pulumirpc.ReadResourceRequest) (*pulumirpc.ReadResourceResponse, error) {
	outputs := map[string]any{"worker1Address": "10.20.0.11", "worker1HostKey": hostKey}
	properties, err := structpb.NewStruct(map[string]any{"name": in.GetName(), "outputs": outputs})
	urn := "urn:pulumi:dev::pause::" + in.GetType() + "::" + in.GetName()
	return &pulumirpc.ReadResourceResponse{Urn: urn, Properties: properties}, err
}

func (monitor) RegisterResourceOutputs(context.Context, *pulumirpc.RegisterResourceOutputsRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

type engine struct {
	pulumirpc.UnimplementedEngineServer
}

func TestProgram(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pulumirpc.RegisterResourceMonitorServer(server, monitor{})
	pulumirpc.RegisterEngineServer(server, engine{})
	go server.Serve(listener)
	defer server.Stop()

	run := func(info *pulumi.RunInfo) {
		info.Project, info.Stack = "pause", "dev"
		info.MonitorAddr, info.EngineAddr = listener.Addr().String(), listener.Addr().String()
		info.Config = map[string]string{"pause:machines": "acme/machines/production", "pause:sshPrivateKey": "a key"}
		info.ConfigSecretKeys = []string{"pause:sshPrivateKey"}
	}
	if err := pulumi.RunErr(program, run); err != nil {
		t.Fatal(err)
	}
}
