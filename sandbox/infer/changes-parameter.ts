import type { AnyNode, Node } from 'acorn';
import { propertyName, type FunctionNode, type Scopes, type Variable } from './scopes.ts';
import { nodesBelow } from './syntax-tree.ts';

const CHANGING = new Set(['push', 'unshift', 'splice', 'pop', 'shift', 'sort', 'reverse', 'fill', 'set', 'delete', 'clear', 'add', 'append']);

/** Tells whether a function changes what its first parameter holds: `event.messages.push(…)`, `options.a = …`. */
export function changesParameter(fn: FunctionNode, scopes: Scopes): boolean {
  for (const node of nodesBelow(fn.body)) {
    if (node.type === 'AssignmentExpression' && node.left.type === 'MemberExpression' && isOfParameter(node.left, 0)) return true;
    if (node.type === 'UnaryExpression' && node.operator === 'delete' && isOfParameter(node.argument, 0)) return true;
    if (node.type !== 'CallExpression') continue;
    const { callee } = node;
    if (callee.type === 'MemberExpression' && CHANGING.has(propertyName(callee.property, callee.computed) ?? '') && isOfParameter(callee.object, 0))
      return true;
  }
  return false;

  /** Follows a chain of members, and names that stand for parts of the parameter. */
  function isOfParameter(node: Node, depth: number): boolean {
    let root = node as AnyNode;
    while (root.type === 'MemberExpression') root = root.object as AnyNode;
    const variable: Variable | undefined = root.type === 'Identifier' ? scopes.variableOf(root) : undefined;
    if (variable === undefined || depth > 3) return false;
    return variable.sources.some((source) => {
      if (source.kind === 'parameter') return source.function === fn && source.index === 0;
      return source.kind === 'expression' && isOfParameter(source.node, depth + 1);
    });
  }
}
