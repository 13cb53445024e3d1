"""Top-level domains, to tell an address from code that looks like one, such as `query@self.weight`."""

# Those besides the domains of countries, which have two letters.
_GENERIC_TEXT = """
com org net edu gov mil int info biz name pro aero coop museum jobs mobi travel tel cat asia post xxx app
dev page cloud online site tech store shop blog xyz club top vip work live life world today news media email
digital agency studio design art software systems solutions services network company group team center
academy school university education health care clinic legal law finance bank capital fund ventures
consulting international global earth eco energy green bio science engineering build builders construction
house homes land estate properties rentals berlin hamburg koeln bayern wien london paris nyc tokyo amsterdam
swiss africa lat quebec scot wales cymru eus gal space website host hosting domains chat social community
foundation ngo ong gmbh ltd inc llc srl games game fun party events photo photos photography video tv fm
radio music audio band film movie show theater tickets zone one plus guru expert ninja rocks wtf lol run
codes computer technology tools support help link click directory local market marketing marketplace trade
trading exchange money cash credit loans insurance tax accountant accountants ink wiki pub bar beer wine
coffee cafe restaurant pizza kitchen recipes menu food farm garden vet dog pet fish sucks google youtube
microsoft apple amazon ibm sap bmw audi internal corp lan intranet
"""
_GENERIC = frozenset(_GENERIC_TEXT.split())
# Two letters that end files of code far more often than addresses.
_NO_COUNTRIES = frozenset(
    {"js", "ts", "rb", "cs", "go", "hh", "vb", "kt", "gz", "xz", "jl", "ex", "db", "py"}
)


def is_top_level(ending: str) -> bool:
    """Tell whether the last part of a name can be a top-level domain, or one used inside companies."""
    ending = ending.lower()
    if not ending.isascii() or ending.startswith("xn--") or ending in _GENERIC:
        return True
    return len(ending) == 2 and ending not in _NO_COUNTRIES
