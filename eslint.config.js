import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import globals from "globals";

const browserScripts = "haystack_app/static/haystack_app/**/*.js";

// Texts that people read are translated, as whole sentences.
const WORD = "/[A-Za-z]{2}/";
const SHOWN = "/^(text|placeholder|title|aria-label)$/";
const SHOWING = "/^(setText|labelled|textField|choice|button|say|explain|nothing)$/";
const names = ["CSV"];
const message = "show people texts by gettext, ngettext or pgettext of shared/i18n.js";
const untranslated = [
  // properties of elements
  `Property[key.name=${SHOWN}] > Literal[value=${WORD}]:not([value=/^(${names.join("|")})$/])`,
  `Property[key.value=${SHOWN}] > Literal.value[value=${WORD}]`,
  `Property[key.name=${SHOWN}] > TemplateLiteral > TemplateElement[value.raw=${WORD}]`,
  `Property[key.value=${SHOWN}] > TemplateLiteral > TemplateElement[value.raw=${WORD}]`,
  `Property[key.name=${SHOWN}] > ConditionalExpression > Literal[value=${WORD}]`,
  `Property[key.value=${SHOWN}] > ConditionalExpression > Literal[value=${WORD}]`,
  // arguments of what shows them, and of errors that the page shows
  `CallExpression[callee.name=${SHOWING}] > Literal[value=${WORD}]:first-child`,
  `CallExpression[callee.property.name=${SHOWING}] > Literal[value=${WORD}]`,
  `CallExpression[callee.name=${SHOWING}] > ConditionalExpression > Literal[value=${WORD}]`,
  `CallExpression[callee.property.name=${SHOWING}] > ConditionalExpression > Literal[value=${WORD}]`,
  `CallExpression[callee.name=${SHOWING}] > TemplateLiteral > TemplateElement[value.raw=${WORD}]`,
  "AssignmentExpression[left.property.name=/^(textContent|placeholder|title)$/] > Literal[value=/[A-Za-z]{2}/]",
  "AssignmentExpression[left.property.name=/^(textContent|placeholder|title)$/] > TemplateLiteral > TemplateElement[value.raw=/[A-Za-z]{2}/]",
  `AssignmentExpression[left.property.name=/^(textContent|placeholder|title)$/] > ConditionalExpression > Literal[value=${WORD}]`,
  `NewExpression[callee.name="Error"] > Literal[value=${WORD}]`,
  `NewExpression[callee.name="Error"] > TemplateLiteral > TemplateElement[value.raw=/[a-z]{2} /]`,
  // what looks like a sentence, or its beginning or end, wherever it is
  ":not(ImportDeclaration):not(CallExpression[callee.name=/gettext$/]) > Literal[value=/^[A-Z][a-z]+ [a-z]/]",
  "TemplateElement[value.raw=/(^|[.,:] )[A-Z][a-z]+ [a-z]{2,} /]",
  "TemplateElement[value.raw=/^ (are|of|by|until|ago|samples?|points?|entit(y|ies))( |$)/]",
].map((selector) => ({ selector, message }));

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
    rules: { "no-restricted-syntax": ["error", ...untranslated] },
  },
  {
    files: ["tests/javascript/**/*.mjs"],
    languageOptions: { globals: { ...globals.node } },
    rules: { "no-console": "off" },
  },
]);
