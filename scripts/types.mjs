// Joins the declarations of build/ into dist/index.d.ts. It holds all that a program needs to use the library: types that zod infers from
// schemas are written out, so that neither zod nor its declarations are needed.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from '@typescript/typescript6';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** The declarations that those of `path` need, in one text. What packages declare is left as imports. */
async function joined(path) {
  const bundle = await rollup({
    input: path,
    plugins: [dts({ tsconfig: join(ROOT, 'tsconfig.build.json') })],
    external: (id) => !/^[./]|^[A-Z]:/.test(id),
    onwarn(warning) {
      throw new Error(warning.message);
    },
  });
  const { output } = await bundle.generate({ format: 'es' });
  await bundle.close();
  return output[0].code;
}

/** The declarations of `path` with types in place of what zod infers: of `z.infer<typeof schema>`, its fields. */
function inferred(path) {
  const options = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.NodeNext, strict: true, types: [] };
  const program = ts.createProgram([path], options);
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(path);
  const { InTypeAlias, MultilineObjectLiterals, NoTruncation } = ts.NodeBuilderFlags;
  const written = (context) => {
    const visit = (node) =>
      ts.isTypeReferenceNode(node) && /^z\.(infer|input|output)$/.test(node.typeName.getText(file))
        ? checker.typeToTypeNode(checker.getTypeFromTypeNode(node), file, InTypeAlias | MultilineObjectLiterals | NoTruncation)
        : ts.visitEachChild(node, visit, context);
    return (node) => ts.visitNode(node, visit);
  };
  return ts.createPrinter().printFile(ts.transform(file, [written]).transformed[0]);
}

/** Names that the library exports as values; those of other classes are exported as types. */
function values() {
  const { statements } = ts.createSourceFile('index.js', readFileSync(join(ROOT, 'build/index.js'), 'utf8'), ts.ScriptTarget.ES2023);
  return new Set(statements.flatMap(({ exportClause }) => exportClause?.elements?.map(({ name }) => name.text) ?? []));
}

/** Exports classes that are types alone as such. */
function typed(text) {
  const exported = values();
  return text.replace(/^export \{ (.*) \};$/m, (_, list) => {
    const names = list.split(', ');
    const isValue = (entry) => exported.has(entry.split(' as ').at(-1));
    return `export { ${names.filter(isValue).join(', ')} };\nexport type { ${names.filter((entry) => !isValue(entry)).join(', ')} };`;
  });
}

const path = join(ROOT, 'build/types/index.d.ts');
mkdirSync(join(ROOT, 'build/types'), { recursive: true });
writeFileSync(path, await joined(join(ROOT, 'build/index.d.ts')));
writeFileSync(path, inferred(path));
// Schemas that nothing refers to any more are left out.
const text = typed(await joined(path));
writeFileSync(join(ROOT, 'dist/index.d.ts'), text);
