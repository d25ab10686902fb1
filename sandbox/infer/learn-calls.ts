import type { AnyNode, CallExpression, Expression, NewExpression, SpreadElement } from 'acorn';
import type { Evaluator } from './evaluator.ts';
import { propertyName, type FunctionNode, type Scopes } from './scopes.ts';
import { thing, UNKNOWN, type Value } from './value.ts';

/** Methods that call their first argument with each element of what they belong to. */
const PER_ELEMENT = new Set(['forEach', 'map', 'filter', 'flatMap', 'find', 'findIndex', 'some', 'every']);
const CONTEXT = thing('ctx');

/**
 * Tells the evaluator what functions are called with: own ones by their calls, the factory with `dash`, and what a
 * package registers with the context that the host hands over.
 */
export function learnCalls(nodes: readonly AnyNode[], scopes: Scopes, evaluator: Evaluator): void {
  for (const node of nodes) {
    if (node.type === 'CallExpression' || node.type === 'NewExpression') learnCall(node, scopes, evaluator);
    if (node.type === 'AssignmentExpression' && isExport(node.left, scopes)) for (const value of evaluator.valuesOf(node.right)) bindFactory(value, evaluator);
  }
}

/** `module.exports = …` of the whole bundle, or its twin where the bundle awaits. */
function isExport(target: AnyNode, scopes: Scopes): boolean {
  if (target.type === 'Identifier') return target.name === '__dash_entry';
  if (target.type !== 'MemberExpression' || target.object.type !== 'Identifier' || target.object.name !== 'module') return false;
  return propertyName(target.property, target.computed) === 'exports' && scopes.variableOf(target.object) === undefined;
}

function bindFactory(exported: Value, evaluator: Evaluator): void {
  for (const value of [
    exported,
    ...evaluator.member(exported, 'default'),
    ...evaluator.member(exported, 'default').flatMap((inner) => evaluator.member(inner, 'default')),
  ]) {
    if (value.kind === 'function') evaluator.bindArgument(value.node, 0, thing('dash'));
  }
}

function learnCall(node: CallExpression | NewExpression, scopes: Scopes, evaluator: Evaluator): void {
  const { callee, arguments: given } = node;
  if (callee.type === 'Super') {
    const owner = scopes.thisOf(callee);
    if (owner !== undefined && 'superClass' in owner && owner.superClass) bindConstructors(owner.superClass, given, evaluator);
    return;
  }
  if (node.type === 'NewExpression') return bindConstructors(callee, given, evaluator);
  if (callee.type === 'Identifier' && /^__export\d*$/.test(callee.name)) return learnNamespace(given, evaluator);
  for (const value of evaluator.valuesOf(node)) if (value.kind === 'loader') learnLoader(value.node, evaluator);
  for (const value of evaluator.valuesOf(callee)) {
    if (value.kind === 'function') bindAll(value.node, given, evaluator);
    if (value.kind === 'thing') learnRegistration(value.name, given, evaluator);
  }
  if (callee.type !== 'MemberExpression' || callee.object.type === 'Super') return;
  const [first] = given;
  if (first === undefined || first.type === 'SpreadElement') return;
  const name = propertyName(callee.property, callee.computed) ?? '';
  if (name === 'then') for (const fn of evaluator.functionsOf(first)) evaluator.bindArgument(fn, 0, callee.object);
  if (name === 'call') for (const fn of evaluator.functionsOf(callee.object)) bindAll(fn, given.slice(1), evaluator);
  if (PER_ELEMENT.has(name)) {
    const elements = evaluator.elementsOf(callee.object);
    for (const fn of evaluator.functionsOf(first)) for (const value of elements?.flat().slice(0, 20) ?? [UNKNOWN]) evaluator.bindArgument(fn, 0, value);
  }
}

/** The bundler calls the body of a CommonJS module with `exports` and `module`. */
function learnLoader(body: FunctionNode, evaluator: Evaluator): void {
  for (const [index, isModule] of [false, true].entries()) evaluator.bindArgument(body, index, { kind: 'exports', node: body, isModule });
}

/** `__export(exports, { name: () => value })`. */
function learnNamespace([target, names]: readonly (Expression | SpreadElement)[], evaluator: Evaluator): void {
  if (target === undefined || names?.type !== 'ObjectExpression') return;
  for (const value of evaluator.valuesOf(target)) if (value.kind === 'object') evaluator.addNamespace(value.node, names);
}

function bindConstructors(callee: Expression, given: readonly (Expression | SpreadElement)[], evaluator: Evaluator): void {
  for (const value of evaluator.valuesOf(callee)) {
    if (value.kind === 'function') bindAll(value.node, given, evaluator);
    if (value.kind !== 'class') continue;
    const own = value.node.body.body.find((member) => member.type === 'MethodDefinition' && member.kind === 'constructor');
    if (own?.type === 'MethodDefinition') bindAll(own.value, given, evaluator);
    else if (value.node.superClass) bindConstructors(value.node.superClass, given, evaluator);
  }
}

function bindAll(fn: FunctionNode, given: readonly (Expression | SpreadElement)[], evaluator: Evaluator): void {
  for (const [index, argument] of given.slice(0, fn.params.length).entries()) {
    if (argument.type === 'SpreadElement') return;
    evaluator.bindArgument(fn, index, argument);
  }
}

/** Which member of what is registered the host calls, and where in its parameters the context stands. */
const REGISTRATIONS: Readonly<Record<string, { readonly argument: number; readonly member?: string; readonly context: number }>> = {
  'dash.on': { argument: 1, context: 1 },
  'dash.registerTool': { argument: 0, member: 'execute', context: 4 },
  'dash.registerCommand': { argument: 1, member: 'handler', context: 1 },
  'dash.registerShortcut': { argument: 1, member: 'handler', context: 0 },
};

function learnRegistration(name: string, given: readonly (Expression | SpreadElement)[], evaluator: Evaluator): void {
  for (const fn of calledByHost(name, given, evaluator)) evaluator.bindArgument(fn, REGISTRATIONS[name]?.context ?? 0, CONTEXT);
}

/** The functions that a registration hands to the host, to be called later. */
export function calledByHost(name: string, given: readonly (Expression | SpreadElement)[], evaluator: Evaluator): FunctionNode[] {
  const registration = REGISTRATIONS[name];
  const registered = registration === undefined ? undefined : given[registration.argument];
  if (registration === undefined || registered === undefined || registered.type === 'SpreadElement') return [];
  const values = registration.member === undefined ? evaluator.valuesOf(registered) : evaluator.propertyOf(registered, registration.member);
  return values.flatMap((value) => (value.kind === 'function' ? [value.node] : []));
}
