// Compiles a Motoko program: node compile.js PACKAGE SOURCE WASM
const fs = require('node:fs');
const { createRequire } = require('node:module');

const [name, source, target] = process.argv.slice(2);
const required = createRequire(`${process.cwd()}/`)(name);
const motoko = required.default ?? required;
motoko.write('Main.mo', fs.readFileSync(source, 'utf8'));
fs.writeFileSync(target, motoko.wasm('Main.mo', 'ic').wasm);
