// The official validator on process graphs: node validate_graphs.js NODE_MODULES SPECIFICATIONS.json GRAPH.json ...
// Prints {file: [error, ...]}.
const fs = require('fs');
const path = require('path');

const [modules, specifications, ...files] = process.argv.slice(2);
const { ProcessGraph, ProcessRegistry } = require(path.join(modules, '@openeo', 'js-processgraphs'));
const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));

async function main() {
    const registry = new ProcessRegistry(read(specifications));
    const found = {};
    for (const file of files) {
        const graph = new ProcessGraph(read(file), registry);
        const errors = await graph.validate(false);
        found[file] = errors.getAll().map((error) => error.message);
    }
    process.stdout.write(JSON.stringify(found));
}

main();
