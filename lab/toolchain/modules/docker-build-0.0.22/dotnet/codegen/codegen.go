// Package codegen stands for the generator of C# SDKs, which the module proxy does not serve. The provider needs this type
// alone, and only for what its schema says of C#.
package codegen

type CSharpPackageInfo struct {
	PackageReferences    map[string]string `json:"packageReferences"`
	RespectSchemaVersion bool              `json:"respectSchemaVersion"`
}
