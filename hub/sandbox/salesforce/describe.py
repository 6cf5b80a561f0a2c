"""The describe answers of one object and of all; keys and their order are recorded ones."""

from hub.sandbox.salesforce.schema import (
    ID_TYPES,
    FieldSpec,
    SObject,
    is_aggregatable,
    is_groupable,
    is_plain,
)

Answer = dict[str, object]
_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
    "base64": "xsd:base64Binary",
}
_MAX_INT_DIGITS = 8
_SUB_PATHS = {
    "compactLayouts": "/describe/compactLayouts",
    "rowTemplate": "/{ID}",
    "approvalLayouts": "/describe/approvalLayouts",
    "listviews": "/listviews",
    "describe": "/describe",
    "quickActions": "/quickActions",
    "layouts": "/describe/layouts",
    "sobject": "",
}


def describe_global(sobjects: list[SObject], version: str) -> Answer:
    """Return the answer of GET sobjects."""
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [describe_brief(one, version) for one in sobjects],
    }


def describe_brief(sobject: SObject, version: str) -> Answer:
    """Return an object's entry in the global describe."""
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": True,
        "custom": False,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": sobject.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": True,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.prefix,
        "label": sobject.name,
        "labelPlural": sobject.plural,
        "layoutable": True,
        "mergeable": sobject.mergeable,
        "mruEnabled": True,
        "name": sobject.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": sobject.deletable,
        "updateable": True,
        "urls": _urls(sobject, version),
    }


def describe_object(sobject: SObject, version: str, base_url: str) -> Answer:
    """Return the answer of GET sobjects/X/describe."""
    layout = f"/services/data/v{version}/sobjects/{sobject.name}/describe/layouts/"
    master = "012000000000000AAA"
    return {
        "actionOverrides": [],
        **describe_brief(sobject, version),
        "childRelationships": [],
        "compactLayoutable": True,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [describe_field(spec) for spec in sobject.fields.values()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [
            {
                "active": True,
                "available": True,
                "defaultRecordTypeMapping": True,
                "developerName": "Master",
                "master": True,
                "name": "Master",
                "recordTypeId": master,
                "urls": {"layout": layout + master},
            }
        ],
        "searchLayoutable": True,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [
            {"label": f"All {sobject.plural.lower()}", "name": "everything"},
            {"label": f"My {sobject.plural.lower()}", "name": "mine"},
        ],
        "urls": {
            **_urls(sobject, version),
            "uiDetailTemplate": base_url + "/{ID}",
            "uiEditTemplate": base_url + "/{ID}/e",
            "uiNewRecord": f"{base_url}/{sobject.prefix}/e",
        },
    }


def _urls(sobject: SObject, version: str) -> dict[str, str]:
    base = f"/services/data/v{version}/sobjects/{sobject.name}"
    return {key: base + path for key, path in _SUB_PATHS.items()}


def describe_field(spec: FieldSpec) -> Answer:
    """Return a field's entry."""
    kind = spec.type
    is_simple = is_plain(spec)
    is_id = kind in ID_TYPES
    return {
        "aggregatable": is_aggregatable(spec),
        "aiPredictionField": False,
        "autoNumber": False,
        "byteLength": spec.length if is_id else spec.length * 3,
        "calculated": spec.calculated,
        "calculatedFormula": None,
        "cascadeDelete": False,
        "caseSensitive": False,
        "compoundFieldName": spec.compound,
        "controllerName": None,
        "createable": "c" in spec.flags,
        "custom": spec.custom,
        "defaultValue": spec.default,
        "defaultValueFormula": None,
        "defaultedOnCreate": "d" in spec.flags,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": _MAX_INT_DIGITS if kind == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": False,
        "extraTypeInfo": spec.info,
        # WHERE accepts only the parts of an address, yet the vendor says true for the whole one
        "filterable": spec.is_filterable or spec.is_compound,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": is_groupable(spec),
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": "L" in spec.flags,
        "inlineHelpText": None,
        "label": spec.label,
        "length": spec.length,
        "mask": None,
        "maskType": None,
        "name": spec.name,
        "nameField": "N" in spec.flags,
        "namePointing": "P" in spec.flags,
        "nillable": "n" in spec.flags,
        "permissionable": _is_permissionable(spec),
        "picklistValues": [
            {
                "active": True,
                "defaultValue": value == spec.default,
                "label": value,
                "validFor": None,
                "value": value,
            }
            for value in spec.picklist
        ],
        "polymorphicForeignKey": "P" in spec.flags,
        "precision": spec.precision,
        "queryByDistance": spec.is_compound,
        "referenceTargetField": None,
        "referenceTo": list(spec.targets),
        "relationshipName": spec.relationship,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": "R" in spec.flags,
        "scale": spec.scale,
        "searchPrefilterable": kind == "reference" and "n" in spec.flags,
        "soapType": _SOAP_TYPES.get(kind, "xsd:string"),
        "sortable": is_simple,
        "type": kind,
        "unique": False,
        "updateable": "u" in spec.flags,
        "writeRequiresMasterRead": False,
    }


def _is_permissionable(spec: FieldSpec) -> bool:
    return spec.is_compound or ("n" in spec.flags and "c" in spec.flags and spec.compound != "Name")
