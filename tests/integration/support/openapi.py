"""exporters/openapi.yaml: is it OpenAPI, does an answer have its form, and which of its fields were seen?"""

import copy
import re
from pathlib import Path

import jsonschema
import yaml

FILE = Path(__file__).resolve().parents[3] / "exporters/openapi.yaml"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# What each object may have and must have: OpenAPI 3.1.0 section 4.8.
FORMS = {
    "document": ("openapi info", "jsonSchemaDialect servers paths webhooks components security tags externalDocs"),
    "info": ("title version", "summary description termsOfService contact license"),
    "path": ("", "$ref summary description servers parameters " + " ".join(METHODS)),
    "operation": ("responses", "tags summary description externalDocs operationId parameters requestBody callbacks deprecated security servers"),
    "parameter": ("name in schema", "description required deprecated allowEmptyValue style explode allowReserved example examples"),
    "header": ("schema", "description required deprecated style explode example examples"),
    "response": ("description", "headers content links"),
    "media type": ("schema", "example examples encoding"),
    "components": ("", "schemas responses parameters examples requestBodies headers securitySchemes links callbacks pathItems"),
}

FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("date-time")(lambda value: not isinstance(value, str) or bool(MOMENT.fullmatch(value)))


class Openapi:
    def __init__(self, text=None):
        self.document = yaml.load(text if text is not None else FILE.read_text(), yaml.CSafeLoader)
        self.problems = []
        self.seen = set()
        self.strict = {"components": copy.deepcopy(self.document["components"])}
        self.close()

    def close(self):
        """Fields that are not documented become errors; what an allOf is made of is put together for that."""
        schemas = self.strict["components"]["schemas"]
        for schema in schemas.values():
            for part in schema.pop("allOf", []):
                schema["properties"] = {**schemas[self.name(part)]["properties"], **schema["properties"]}
                schema["required"] = schemas[self.name(part)]["required"] + schema["required"]
        for one in inner(schemas):
            if isinstance(one.get("properties"), dict):
                one["additionalProperties"] = False

    @staticmethod
    def name(reference):
        return reference["$ref"].rsplit("/", 1)[-1]

    def resolve(self, value):
        while isinstance(value, dict) and "$ref" in value:
            found = self.document
            for step in value["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            value = found
        return value

    # What an answer has.

    def check(self, name, answer):
        """Fails unless the answer has the form of that schema; notes which fields were there and not null."""
        validator = jsonschema.Draft202012Validator({**self.strict, "$ref": f"#/components/schemas/{name}"}, format_checker=FORMATS)
        errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in leaves(validator.iter_errors(answer))]
        assert not errors, f"{name}: {errors[:10]}"
        self.note({"$ref": f"#/components/schemas/{name}"}, answer, "")

    def note(self, schema, value, owner):
        if value is None:
            return
        if "$ref" in schema:
            return self.note(self.resolve(schema), value, self.name(schema))
        for part in (*schema.get("allOf", []), *schema.get("anyOf", [])):
            self.note(part, value, owner)
        if isinstance(value, list):
            for one in value:
                self.note(schema.get("items", {}), one, owner)
        for field, below in schema.get("properties", {}).items() if isinstance(value, dict) else ():
            if value.get(field) is not None and value[field] != []:
                self.seen.add(f"{owner}.{field}")
                self.note(below, value[field], owner)

    def fields(self):
        """`Schema.field` of every one there is."""
        return {
            f"{name}.{field}"
            for name, schema in self.document["components"]["schemas"].items()
            for one in inner(schema)
            for field in one.get("properties", {})
        }

    # What is served.

    def operations(self):
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield path, method, item[method]

    def parameters(self, operation, place="query"):
        found = [self.resolve(one) for one in operation.get("parameters", [])]
        return {one["name"]: one for one in found if one["in"] == place}

    # Is it OpenAPI?

    def validate(self):
        """Everything that is wrong, a line each."""
        self.problems = []
        self.form("document", self.document, "")
        self.form("info", self.document["info"], "info")
        self.form("components", self.document["components"], "components")
        self.expect(re.fullmatch(r"3\.1\.\d+", self.document["openapi"]), "openapi", "is not 3.1")
        self.references()
        for path, item in self.document["paths"].items():
            self.form("path", item, path)
            self.expect(path.startswith("/"), path, "does not begin with /")
        for path, method, operation in self.operations():
            self.operation(path, f"{method} {path}", operation)
        ids = [operation.get("operationId") for _, _, operation in self.operations()]
        self.expect(len(ids) == len(set(ids)) and all(ids), "operationId", "is missing or there twice")
        for name, response in self.document["components"]["responses"].items():
            self.response(f"response {name}", response)
        for name, scheme in self.document["components"]["securitySchemes"].items():
            self.expect(scheme.get("type") in ("apiKey", "http", "mutualTLS", "oauth2", "openIdConnect"), name, "has no type")
        for one in self.document.get("security", []):
            self.expect(set(one) <= set(self.document["components"]["securitySchemes"]), "security", f"{one} is not there")
        for name, schema in self.document["components"]["schemas"].items():
            self.schema(name, schema)
        return self.problems

    def expect(self, true, where, what):
        if not true:
            self.problems.append(f"{where}: {what}")

    def form(self, kind, value, where):
        must, may = (set(words.split()) for words in FORMS[kind])
        self.expect(must <= set(value), where, f"{kind} without {must - set(value)}")
        self.expect(set(value) <= must | may, where, f"{kind} with {set(value) - must - may}")

    def references(self):
        used = set()
        for one in inner(self.document):
            if isinstance(one.get("$ref"), str):
                used.add(one["$ref"])
                try:
                    self.resolve(one)
                except KeyError:
                    self.problems.append(f"{one['$ref']}: leads nowhere")
        for kind, members in self.document["components"].items():
            for name, member in members.items():
                if kind != "securitySchemes" and "not served" not in member.get("description", ""):
                    self.expect(f"#/components/{kind}/{name}" in used, f"{kind}/{name}", "nobody refers to it")

    def operation(self, path, where, operation):
        self.form("operation", operation, where)
        parameters = [self.resolve(one) for one in operation.get("parameters", [])]
        for one in parameters:
            self.form("parameter", one, where)
            self.expect(one["in"] in ("query", "header", "path", "cookie"), where, f"{one['name']} is nowhere")
            self.expect(one["in"] != "path" or one.get("required") is True, where, f"{one['name']} is not required")
            self.schema(f"{where} {one['name']}", one["schema"])
        keys = [(one["name"], one["in"]) for one in parameters]
        self.expect(len(keys) == len(set(keys)), where, "a parameter is there twice")
        in_path = {name for name, place in keys if place == "path"}
        self.expect(set(re.findall(r"\{(\w+)\}", path)) == in_path, where, "its path has other parameters")
        declared = {tag["name"] for tag in self.document["tags"]}
        self.expect(set(operation.get("tags", [])) <= declared, where, "has a tag that is not declared")
        for status, response in operation["responses"].items():
            self.expect(re.fullmatch(r"[1-5](\d\d|XX)", status), where, f"{status} is no status")
            self.response(f"{where} {status}", self.resolve(response))

    def response(self, where, response):
        self.form("response", response, where)
        for name, header in response.get("headers", {}).items():
            self.form("header", self.resolve(header), f"{where} {name}")
        for kind, content in response.get("content", {}).items():
            self.form("media type", content, f"{where} {kind}")
            self.schema(f"{where} {kind}", content["schema"])

    def schema(self, where, schema):
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            self.problems.append(f"{where}: {error.message}")
        for one in inner(schema):
            if "properties" in one:
                self.expect(set(one.get("required", [])) == set(one["properties"]), where, "every field is always there: required is not all of them")
            self.expect("type" not in one or isinstance(one["type"], (str, list, dict)), where, "type")


def inner(value):
    """Each mapping in it, itself included."""
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from inner(one)
    for one in value if isinstance(value, list) else ():
        yield from inner(one)


def leaves(errors):
    """Of an anyOf what each branch says, as the rule of the branch that a non-null value wants."""
    for error in errors:
        if error.context and error.instance is not None:
            yield from leaves(one for one in error.context if one.schema.get("type") != "null")
        else:
            yield error
