import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "dist-docs/", "node_modules/", "eslint.config.mjs", "plugin/start.js", "cli/pause-sandbox.js"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers and booleans read well in messages; objects do not, and stay forbidden.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      // Resources are created for their effect: `new SandboxNode(…)` alone is how Pulumi programs read.
      "no-new": "off",
    },
  },
  {
    // Its own tsconfig.json is that of the project that is made from it, where the package is installed.
    files: ["examples/template/**"],
    languageOptions: { parserOptions: { projectService: false, project: "tsconfig.json" } },
  },
  {
    // mocha's `this.timeout()` and chai-less assertions on `describe` callbacks.
    files: ["tests/**"],
    rules: { "@typescript-eslint/no-floating-promises": "off" },
  },
);
