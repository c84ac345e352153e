"""The only door to stored numbers, and the only home of Streamlit's caches. Words about them are in `dashboard.words`.

Keys of caches are run ids and the stores' fingerprints, never arrays; what needs torch is asked of
`dashboard.computing`.
"""
