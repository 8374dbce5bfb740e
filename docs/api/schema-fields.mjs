// A typedoc plugin: a type that is inferred from a schema is shown with its fields, not as `z.infer<typeof schema>`. It gives
// each of them the tag with which typedoc lets an author ask for that; one without a docstring has no place for tags.
const inferredAlias = /^export type [^=]+= [^=]*\b(?:infer|input|output)<typeof /;

/** Called by typedoc when it starts. */
export function load({ converter }) {
  converter.on('createDeclaration', askForFields);
}

function askForFields(context, reflection) {
  const [declaration] = context.getSymbolFromReflection(reflection)?.getDeclarations() ?? [];
  if (!inferredAlias.test(declaration?.getText() ?? '')) return;
  reflection.comment?.modifierTags.add('@useDeclaredType');
}
