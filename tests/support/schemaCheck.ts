/** Compares arguments with the schema that other languages get. */
import type { PackageSpec, Property } from "@pulumi/pulumi/provider/experimental/schema";

/** Arguments of a resource, or an object inside of them. */
type Fields = Record<string, unknown>;

/** What is wrong with the arguments of a resource, a line each: `nodes[0].connection.hostkey: not in the schema`. */
export function misfits(
  schema: PackageSpec,
  token: string,
  inputs: Fields,
  isLater: (value: unknown) => boolean,
): string[] {
  const resource = schema.resources[token];
  if (!resource) return [`${token}: not in the schema`];
  return ofFields(inputs, resource.inputProperties ?? {}, resource.requiredInputs ?? [], "");

  function ofFields(fields: Fields, properties: Record<string, Property>, required: string[], at: string): string[] {
    return [
      ...required.filter((name) => !(name in fields)).map((name) => `${at}${name}: missing`),
      ...Object.entries(fields).flatMap(([name, value]) => {
        const property = properties[name];
        return property ? ofValue(value, property, `${at}${name}`) : [`${at}${name}: not in the schema`];
      }),
    ];
  }

  function ofValue(value: unknown, property: Property, at: string): string[] {
    if (isLater(value)) return property.plain === true ? [`${at}: has to be a plain value`] : [];
    if ("$ref" in property) return ofReference(value, property.$ref, at);
    const { items } = property;
    if (property.type !== "array" || items === undefined) return ofType(value, property.type, at);
    if (!Array.isArray(value)) return [`${at}: not an array`];
    return value.flatMap((element, i) => ofValue(element, items, `${at}[${i}]`));
  }

  function ofReference(value: unknown, ref: string, at: string): string[] {
    const type = schema.types[ref.replace("#/types/", "")];
    if (!type) return [`${at}: ${ref} is not in the schema`];
    if (type.enum) return type.enum.some((one) => one.value === value) ? [] : [`${at}: not a value of the enum`];
    if (!isObject(value)) return [`${at}: not an object`];
    return ofFields(value, type.properties ?? {}, type.required ?? [], `${at}.`);
  }
}

const ofType = (value: unknown, type: string | undefined, at: string): string[] =>
  typeof value === type ? [] : [`${at}: not a ${type ?? "known type"}`];

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
