import type {
  AnonymousFunctionDeclaration,
  AnyNode,
  ArrowFunctionExpression,
  Class,
  Expression,
  FunctionDeclaration,
  FunctionExpression,
  Identifier,
  Node,
  ObjectExpression,
  Pattern,
  Program,
} from 'acorn';
import { childrenOf } from './syntax-tree.ts';

export type FunctionNode = FunctionDeclaration | AnonymousFunctionDeclaration | FunctionExpression | ArrowFunctionExpression;

/** What `this` is: an instance of a class, an object, or whatever a function was called on. */
export type Owner = FunctionNode | Class | ObjectExpression;

/** One way into a value: a property of it, one of its elements, or a part that is not followed. */
export type Step = { readonly property: string } | { readonly index: number } | 'element' | 'rest';

/** Where a variable gets a value from. `steps` lead from that value to the variable's, as destructuring does. */
export type Source =
  | { readonly kind: 'expression'; readonly node: Expression; readonly steps: readonly Step[] }
  | { readonly kind: 'parameter'; readonly function: FunctionNode; readonly index: number; readonly steps: readonly Step[] }
  | { readonly kind: 'function'; readonly node: FunctionNode }
  | { readonly kind: 'class'; readonly node: Class };

export interface Variable {
  readonly name: string;
  readonly sources: Source[];
}

/** Which variable a name means, and whose `this` is meant, at every place of a program. */
export interface Scopes {
  /** `undefined` for a global. */
  variableOf(name: Identifier): Variable | undefined;
  thisOf(node: Node): Owner | undefined;
  /** Returned and (for an arrow's expression) answered values. */
  returnsOf(fn: FunctionNode): readonly Expression[];
  /** `object.name = value`, by name. */
  readonly memberAssignments: ReadonlyMap<string, readonly MemberAssignment[]>;
}

export interface MemberAssignment {
  readonly object: Expression;
  readonly value: Expression;
}

interface Scope {
  readonly parent: Scope | undefined;
  /** Where `var` and functions are declared. */
  readonly isFunction: boolean;
  readonly variables: Map<string, Variable>;
}

interface Place {
  readonly node: AnyNode;
  readonly scope: Scope;
  readonly owner: Owner | undefined;
  /** The function that a `return` ends. */
  readonly returning: FunctionNode | undefined;
}

/** Where a name stands, and what it means once somebody asked: on the node itself, because there are millions. */
const SCOPE = Symbol('scope');
const MEANT = Symbol('meant');
type Named = Identifier & { [SCOPE]?: Scope; [MEANT]?: Variable | null };

/**
 * Finds every declaration and assignment. Flow does not count: a variable has the values of all its assignments.
 *
 * @param visit is given every node, parents first, in the order of the text
 */
export function readScopes(program: Program, visit: (node: AnyNode) => void): Scopes {
  const owners = new Map<Node, Owner | undefined>();
  const returns = new Map<FunctionNode, Expression[]>();
  const memberAssignments = new Map<string, MemberAssignment[]>();
  const methodOwners = new Map<Node, Owner>();
  const assignments: (() => void)[] = [];
  const counters: (() => void)[] = [];

  const stack: Place[] = [{ node: program, scope: newScope(undefined, true), owner: undefined, returning: undefined }];
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    visit(place.node);
    const below = enter(place);
    for (let index = below.length - 1; index >= 0; index--) stack.push(below[index] as Place);
  }
  // after all declarations: a function may assign what is declared below it
  for (const assign of assignments) assign();
  for (const forget of counters) forget();
  return {
    variableOf(name: Named) {
      const known = name[MEANT];
      if (known !== undefined) return known ?? undefined;
      const variable = find(name[SCOPE], name.name);
      name[MEANT] = variable ?? null;
      return variable;
    },
    thisOf: (node) => owners.get(node),
    returnsOf: (fn) => returns.get(fn) ?? [],
    memberAssignments,
  };

  /** Notes what a node declares, and answers its children with the scope that they are in. */
  function enter({ node, scope, owner, returning }: Place): Place[] {
    const below = (inner: Scope, whose = owner, ends = returning): Place[] =>
      childrenOf(node).map((child) => ({ node: child, scope: inner, owner: whose, returning: ends }));
    switch (node.type) {
      case 'Identifier':
        (node as Named)[SCOPE] = scope;
        return [];
      case 'ThisExpression':
      case 'Super':
        owners.set(node, owner);
        return [];
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression': {
        if (node.type === 'FunctionDeclaration' && node.id !== null && node.id !== undefined)
          declare(functionScope(scope), node.id.name).sources.push({ kind: 'function', node });
        const inner = newScope(scope, true);
        if (node.type === 'FunctionExpression' && node.id !== null && node.id !== undefined)
          declare(inner, node.id.name).sources.push({ kind: 'function', node });
        for (const [index, parameter] of node.params.entries())
          bind(parameter, inner, (steps) => ({ kind: 'parameter', function: node, index, steps }), parameter.type === 'RestElement' ? ['rest'] : []);
        if (node.body.type !== 'BlockStatement') returns.set(node, [node.body]);
        // an arrow has the `this` of what is around it; a method has its class's, which `MethodDefinition` set
        return below(inner, node.type === 'ArrowFunctionExpression' ? owner : (methodOwners.get(node) ?? node), node);
      }
      case 'ClassDeclaration':
      case 'ClassExpression': {
        for (const member of node.body.body) if (member.type === 'MethodDefinition') methodOwners.set(member.value, node);
        const inner = newScope(scope, false);
        if (node.id !== null && node.id !== undefined)
          for (const each of node.type === 'ClassDeclaration' ? [scope, inner] : [inner]) declare(each, node.id.name).sources.push({ kind: 'class', node });
        return below(inner, node);
      }
      case 'ObjectExpression':
        for (const member of node.properties)
          if (member.type === 'Property' && member.value.type === 'FunctionExpression') methodOwners.set(member.value, node);
        return below(scope);
      case 'BlockStatement':
      case 'ForStatement':
      case 'SwitchStatement':
      case 'CatchClause':
        return below(newScope(scope, false));
      case 'ForOfStatement':
      case 'ForInStatement': {
        const inner = newScope(scope, false);
        const { left, right } = node;
        if (left.type === 'VariableDeclaration') {
          for (const { id } of left.declarations) {
            const steps: Step[] = node.type === 'ForOfStatement' ? ['element'] : ['rest'];
            bind(id, left.kind === 'var' ? functionScope(inner) : inner, (more) => ({ kind: 'expression', node: right, steps: more }), steps);
          }
        }
        return below(inner);
      }
      case 'VariableDeclaration':
        for (const { id, init } of node.declarations) {
          const where = node.kind === 'var' ? functionScope(scope) : scope;
          if (init === null || init === undefined) declareNames(id, where);
          else bind(id, where, (steps) => ({ kind: 'expression', node: init, steps }));
        }
        return below(scope);
      case 'AssignmentExpression': {
        const { left, right, operator } = node;
        // `+=` lengthens what is there: of a path or an address the beginning decides
        if (operator !== '=' && operator !== '??=' && operator !== '||=' && operator !== '&&=') return below(scope);
        if (left.type === 'MemberExpression') {
          const name = propertyName(left.property, left.computed);
          if (name !== undefined && left.object.type !== 'Super') append(memberAssignments, name, { object: left.object, value: right });
        } else {
          assignments.push(() => assignTo(left, scope, right));
        }
        return below(scope);
      }
      case 'UpdateExpression': {
        const { argument } = node;
        // What is counted up has no value that it keeps: its first one least of all.
        if (argument.type === 'Identifier')
          counters.push(() => find(scope, argument.name)?.sources.splice(0, Infinity, { kind: 'expression', node, steps: [] }));
        return below(scope);
      }
      case 'ReturnStatement':
        if (returning !== undefined && node.argument !== null && node.argument !== undefined) append(returns, returning, node.argument);
        return below(scope);
      default:
        return below(scope);
    }
  }

  function assignTo(pattern: Pattern, scope: Scope, value: Expression): void {
    for (const { name, steps } of namesIn(pattern)) find(scope, name)?.sources.push({ kind: 'expression', node: value, steps });
  }
}

/** The name of a property that is written in the code, `undefined` when it is computed. */
export function propertyName(key: Node, computed: boolean): string | undefined {
  const node = key as AnyNode;
  if (node.type === 'Literal') return typeof node.value === 'string' || typeof node.value === 'number' ? String(node.value) : undefined;
  if (node.type === 'PrivateIdentifier') return `#${node.name}`;
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0) return node.quasis[0]?.value.cooked ?? undefined;
  return node.type === 'Identifier' && !computed ? node.name : undefined;
}

/** The names a pattern gives values to, with the way to each. A default value is a second source of its own. */
export function* namesIn(
  pattern: Pattern,
  steps: readonly Step[] = [],
): Generator<{ readonly name: string; readonly steps: readonly Step[]; readonly otherwise?: Expression }> {
  switch (pattern.type) {
    case 'Identifier':
      yield { name: pattern.name, steps };
      return;
    case 'AssignmentPattern':
      for (const found of namesIn(pattern.left, steps)) yield pattern.left.type === 'Identifier' ? { ...found, otherwise: pattern.right } : found;
      return;
    case 'RestElement':
      yield* namesIn(pattern.argument, [...steps, 'rest']);
      return;
    case 'ArrayPattern':
      for (const [index, element] of pattern.elements.entries())
        if (element !== null) yield* namesIn(element, [...steps, ...(element.type === 'RestElement' ? [] : [{ index }])]);
      return;
    case 'ObjectPattern':
      for (const property of pattern.properties) {
        if (property.type === 'RestElement') {
          // what is left of an object is read like the object itself
          yield* namesIn(property.argument, steps);
          continue;
        }
        const name = propertyName(property.key, property.computed);
        yield* namesIn(property.value, [...steps, name === undefined ? 'rest' : { property: name }]);
      }
      return;
    default:
      return;
  }
}

function bind(pattern: Pattern, scope: Scope, source: (steps: readonly Step[]) => Source, steps: readonly Step[] = []): void {
  for (const found of namesIn(pattern.type === 'RestElement' ? pattern.argument : pattern, steps)) {
    const { sources } = declare(scope, found.name);
    sources.push(source(found.steps));
    if (found.otherwise !== undefined) sources.push({ kind: 'expression', node: found.otherwise, steps: [] });
  }
}

function declareNames(pattern: Pattern, scope: Scope): void {
  for (const { name } of namesIn(pattern)) declare(scope, name);
}

function declare(scope: Scope, name: string): Variable {
  const known = scope.variables.get(name);
  if (known !== undefined) return known;
  const variable: Variable = { name, sources: [] };
  scope.variables.set(name, variable);
  return variable;
}

function find(scope: Scope | undefined, name: string): Variable | undefined {
  for (let each = scope; each !== undefined; each = each.parent) {
    const variable = each.variables.get(name);
    if (variable !== undefined) return variable;
  }
  return undefined;
}

function functionScope(scope: Scope): Scope {
  let each = scope;
  while (!each.isFunction && each.parent !== undefined) each = each.parent;
  return each;
}

function newScope(parent: Scope | undefined, isFunction: boolean): Scope {
  return { parent, isFunction, variables: new Map() };
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
