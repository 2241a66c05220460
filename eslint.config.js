import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import globals from "globals";

const browserScripts = "haystack_app/static/haystack_app/**/*.js";

export default defineConfig([
  // Python environments and collected static files may hold scripts of others.
  globalIgnores(["**/vendor/", ".venv/", "var/"]),
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-alert": "error",
      "no-console": "error",
      "no-else-return": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-shadow": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  {
    // The base of the explorer and of the applications that copy live.js.
    files: [browserScripts],
    languageOptions: { globals: { ...globals.browser } },
  },
  {
    files: ["tests/javascript/**/*.mjs"],
    languageOptions: { globals: { ...globals.node } },
    rules: { "no-console": "off" },
  },
]);
