// sdkgen writes the SDK that `pulumi package add` makes from a schema. It needs no language host, which is not published
// as a module, but the generators that the hosts call are.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	golang "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	// A program that uses a Go SDK needs it: so its modules stand in go.mod and go.sum too.
	_ "github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

// A cached executable may be older than this file, and the tests compare.
//
//go:embed main.go
var source string

const usage = `usage: sdkgen go|python SCHEMA.json FOLDER
       sdkgen source
`

func main() {
	if len(os.Args) == 2 && os.Args[1] == "source" {
		fmt.Print(source)
		return
	}
	if len(os.Args) != 4 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "sdkgen:", err)
		os.Exit(1)
	}
}

func run(language, file, folder string) error {
	pkg, err := read(file)
	if err != nil {
		return err
	}
	files, err := generate(language, pkg)
	if err != nil {
		return err
	}
	return write(folder, files)
}

func read(file string) (*schema.Package, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	// As `pulumi package add` does: it decides about names, versions and a go.mod.
	spec.Meta = &schema.MetadataSpec{SupportPack: true}
	pkg, found, err := schema.BindSpec(spec, noOthers{}, schema.ValidationOptions{})
	if err != nil {
		return nil, err
	}
	if found.HasErrors() {
		return nil, found
	}
	return pkg, nil
}

// noOthers is asked for the packages whose types a schema refers to. Ours refers to none.
type noOthers struct{ schema.ReferenceLoader }

func (noOthers) LoadPackageReferenceV2(_ context.Context, it *schema.PackageDescriptor) (schema.PackageReference, error) {
	return nil, fmt.Errorf("the schema refers to the package %s, and sdkgen reads one schema only", it.Name)
}

func generate(language string, pkg *schema.Package) (map[string][]byte, error) {
	switch language {
	case "go":
		return golang.GeneratePackage("sdkgen", pkg, nil)
	case "python":
		return python.GeneratePackage("sdkgen", pkg, nil, noOthers{})
	default:
		return nil, fmt.Errorf("no generator for %q, there are go and python", language)
	}
}

func write(folder string, files map[string][]byte) error {
	for name, text := range files {
		to := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
